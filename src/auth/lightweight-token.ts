import type { Explanation } from '../errors.ts'
import type { SearchedToken } from './searched-token.ts'

/**
 * Whether Keycloak (26.5; older ones don't say it) says that this is a lightweight access token, which holds only the claims whose mappers have
 * Add to lightweight access token on. Its `jti` begins with two letters each for the session, the token and the grant, such as
 * `trltcc:`.
 */
export function isLightweight({ jti }: Readonly<Record<string, unknown>>): boolean {
  return typeof jti === 'string' && /^[a-z]{2}lt[a-z]{2}:/.test(jti)
}

/**
 * Why a claim is missing in a lightweight access token.
 *
 * @param claim as a sentence calls it
 * @param mapper what would write it, in Keycloak's console
 * @returns undefined for any other token
 */
export function explainLightweight(
  { payload, authorizedParty: client = '…' }: Pick<SearchedToken, 'payload' | 'authorizedParty'>,
  claim: string,
  mapper: string,
): Explanation | undefined {
  if (!isLightweight(payload)) return undefined
  return {
    found: `The access token of client "${client}" is a lightweight one and has no ${claim}`,
    remedy: `switch on Add to lightweight access token in ${mapper}, or switch off Always use lightweight access token under Clients → ${client} → Advanced → Advanced settings`,
  }
}
