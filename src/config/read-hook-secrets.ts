import type { Secret } from '../account.ts'
import type { Told } from '../explanation.ts'

/** The secrets that Hasura's triggers may send; two while one replaces the other. */
export interface HookSecrets {
  readonly current: Secret
  readonly previous?: Secret
}

export const hookVariables = [
  'HOOK_SECRET',
  'HOOK_SECRET_FILE',
  'HOOK_PREVIOUS_SECRET',
  'HOOK_PREVIOUS_SECRET_FILE',
] as const
type Values = Readonly<Partial<Record<(typeof hookVariables)[number], string>>>

/** In characters: shorter secrets can be guessed. */
export const shortestHookSecret = 16

/** @returns undefined when hooks are off, or when there is a problem */
export function readHookSecrets(values: Values, problems: Told[]): HookSecrets | undefined {
  const current = readSecret('HOOK_SECRET', values, problems)
  const previous = readSecret('HOOK_PREVIOUS_SECRET', values, problems)
  if (current) return { current, ...(previous && { previous }) }
  if (previous) {
    problems.push({
      found: 'HOOK_PREVIOUS_SECRET is set and HOOK_SECRET is not',
      remedy: 'set HOOK_SECRET_FILE to the secret that replaces it',
    })
  }
  return undefined
}

function readSecret(
  name: 'HOOK_SECRET' | 'HOOK_PREVIOUS_SECRET',
  values: Values,
  problems: Told[],
): Secret | undefined {
  const value = values[name]
  const file = values[`${name}_FILE`]
  if (value !== undefined && file !== undefined) {
    problems.push({ found: `${name} and ${name}_FILE are both set`, remedy: `keep only ${name}_FILE` })
    return undefined
  }
  if (file !== undefined) return { file }
  if (value === undefined) return undefined
  if (value.length < shortestHookSecret) {
    problems.push({
      found: `${name} has fewer than ${shortestHookSecret} characters`,
      remedy: 'make one with "openssl rand -hex 32"',
    })
    return undefined
  }
  return { value }
}
