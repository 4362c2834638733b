import type { Account } from '../account.ts'
import type { Told } from '../errors.ts'
import { claimsVariables, readClaimsLocation } from './read-claims-location.ts'
import { loginVariables, readLogin } from './read-login.ts'
import { readUrl } from './read-url.ts'
import { trimValues } from './trim-values.ts'

/** Those of the environment that concern one account; the same names in camelCase in an accounts file. */
export const accountVariables = [
  ...loginVariables,
  'HASURA_URL',
  ...claimsVariables,
  'REFRESH_ROLE',
  'API_BASE_URL',
] as const

export type AccountVariable = (typeof accountVariables)[number]

/**
 * @param label how problems call a variable
 * @param problems gets every problem, by the name of its variable
 * @returns undefined when there is a problem
 */
export function readAccount(
  name: string,
  given: Readonly<Partial<Record<AccountVariable, string | undefined>>>,
  label: (variable: AccountVariable) => string,
  problems: Told[],
): Account | undefined {
  const found = problems.length
  const values = trimValues(accountVariables, given, label, problems)
  for (const variable of ['OIDC_ISSUER', 'TOKEN_URL', 'HASURA_URL', 'API_BASE_URL'] as const) {
    readUrl(values[variable], ['https:', 'http:'], 'https://…', label(variable), problems)
  }
  const login = readLogin(values, label, problems)
  const claims = readClaimsLocation(values, label, problems)
  if (problems.length > found || !login || !claims) return undefined
  const { HASURA_URL: url, REFRESH_ROLE: refreshRole, API_BASE_URL: baseUrl } = values
  return {
    name,
    login,
    ...(url && { hasura: { url, claims, ...(refreshRole && { refreshRole }) } }),
    ...(baseUrl && { api: { baseUrl } }),
  }
}
