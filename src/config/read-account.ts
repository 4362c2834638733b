import type { Account } from '../account.ts'
import type { Told } from '../explanation.ts'
import { readAddress } from './read-address.ts'
import { claimsVariables, readClaimsLocation } from './read-claims-location.ts'
import { loginVariables, readLogin } from './read-login.ts'
import { trimValues } from './trim-values.ts'

/** The variables of one account; in an accounts file the same names in camelCase. */
export const accountVariables = [
  ...loginVariables,
  'HASURA_URL',
  ...claimsVariables,
  'REFRESH_ROLE',
  'API_BASE_URL',
] as const

export type AccountVariable = (typeof accountVariables)[number]

/**
 * @param label name of a variable in problems
 * @param insecureHosts hosts to which secrets and tokens may be sent over plain http
 * @param problems gets every problem, with the name of its variable
 * @returns undefined when there is a problem
 */
export function readAccount(
  name: string,
  given: Readonly<Partial<Record<AccountVariable, string | undefined>>>,
  label: (variable: AccountVariable) => string,
  insecureHosts: readonly string[],
  problems: Told[],
): Account | undefined {
  const found = problems.length
  const values = trimValues(accountVariables, given, label, problems)
  for (const variable of ['OIDC_ISSUER', 'API_BASE_URL'] as const) {
    readAddress(values[variable], label(variable), {}, problems)
  }
  readAddress(values.TOKEN_URL, label('TOKEN_URL'), { hasQuery: true }, problems)
  readAddress(values.HASURA_URL, label('HASURA_URL'), { plainHttp: { insecureHosts } }, problems)
  const login = readLogin(values, label, problems)
  const claims = readClaimsLocation(values, label, problems)
  if (problems.length > found || !login || !claims) return undefined
  const { HASURA_URL: url, REFRESH_ROLE: refreshRole, API_BASE_URL: baseUrl } = values
  const trusted = insecureHosts.length > 0 ? { insecureHosts } : {}
  return {
    name,
    login: { ...login, ...trusted },
    ...(url && { hasura: { url, claims, ...(refreshRole && { refreshRole }) } }),
    ...(baseUrl && { api: { baseUrl, ...trusted } }),
  }
}
