import type { Told } from '../explanation.ts'
import { enclosed, readValue, unreplaced } from './read-value.ts'

/**
 * Reads the values of these variables, trimmed. A value that still looks like a mistake is a problem, unless it is a secret: anything may
 * be part of one, so it is used as it is and `doctor` warns.
 *
 * @param label name of a variable in problems
 * @param problems gets every problem, with the name of its variable and without its value
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
    if (spaced.has(variable) && oddity !== enclosed && oddity !== unreplaced) continue
    problems.push({ found: `${label(variable)} ${oddity}`, remedy: remedyOf(variable, oddity) })
    // Reports one mistake only once.
    if (oddity === enclosed) values[variable] = value.slice(1, -1)
  }
  return values
}

function remedyOf(variable: string, oddity: string): string {
  if (oddity !== unreplaced) return 'write only the value'
  const itself = 'write the value itself'
  return withPassword.has(variable) ? `${itself}; if it is part of the password, $ as %24 and { as %7B` : itself
}

const secrets: ReadonlySet<string> = new Set(['CLIENT_SECRET', 'HOOK_SECRET', 'HOOK_PREVIOUS_SECRET'])

/** Values of these may contain white space. */
const spaced: ReadonlySet<string> = new Set(['SCOPE', 'HASURA_CLAIMS_MAP'])

/** In an address, a password may be written without the characters that look like a placeholder. */
const withPassword: ReadonlySet<string> = new Set(['DATABASE_URL', 'REDIS_URL'])
