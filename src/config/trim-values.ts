import type { Told } from '../errors.ts'
import { enclosed, readValue } from './read-value.ts'

/**
 * The values of these variables, each as it was meant. A value that still looks like a mistake is a problem, unless it is a
 * secret: nobody knows what belongs to one, so it is used as it is and `doctor` tells.
 *
 * @param label how problems call a variable
 * @param problems gets every problem, by the name of its variable; never with its value
 */
export function trimValues<V extends string>(
  variables: readonly V[],
  given: Readonly<Partial<Record<V, string | undefined>>>,
  label: (variable: V) => string,
  problems: Told[],
): Partial<Record<V, string>> {
  const values: Partial<Record<V, string>> = {}
  for (const variable of variables) {
    const { value, oddity } = readValue(given[variable] ?? '')
    if (value === '') continue
    values[variable] = value
    if (oddity === undefined || secrets.has(variable)) continue
    if (spaced.has(variable) && oddity !== enclosed) continue
    problems.push({ found: `${label(variable)} ${oddity}`, remedy: 'write the value alone' })
    // So that one mistake isn't told twice.
    if (oddity === enclosed) values[variable] = value.slice(1, -1)
  }
  return values
}

const secrets: ReadonlySet<string> = new Set(['CLIENT_SECRET', 'HOOK_SECRET', 'HOOK_PREVIOUS_SECRET'])

/** White space may stand between the parts of these. */
const spaced: ReadonlySet<string> = new Set(['SCOPE', 'HASURA_CLAIMS_MAP'])
