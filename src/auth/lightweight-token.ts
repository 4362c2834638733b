import type { Explanation } from '../explanation.ts'
import type { Claims } from './claims.ts'

/**
 * Whether this is a lightweight access token of Keycloak (26.5; older versions don't mark it), which holds only the claims of mappers with
 * Add to lightweight access token on. Its `jti` begins with two letters each for session, token and grant, such as `trltcc:`.
 */
export function isLightweight({ jti }: Readonly<Record<string, unknown>>): boolean {
  return typeof jti === 'string' && /^[a-z]{2}lt[a-z]{2}:/.test(jti)
}

/**
 * Explains why a lightweight access token lacks a claim.
 *
 * @param claim as named in the message
 * @param mapper that writes it, as Keycloak's console names it
 * @returns undefined for any other token
 */
export function explainLightweight(
  { payload, authorizedParty: client = '…' }: Pick<Claims, 'payload' | 'authorizedParty'>,
  claim: string,
  mapper: string,
): Explanation | undefined {
  if (!isLightweight(payload)) return undefined
  return {
    found: `The access token of client "${client}" is lightweight and has no ${claim}`,
    remedy: `turn on Add to lightweight access token in ${mapper}, or turn off Always use lightweight access token under Clients → ${client} → Advanced → Advanced settings`,
  }
}
