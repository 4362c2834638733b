import type { Token } from '../auth/token.ts'
import { type Finding, ok, warn } from './check.ts'

/** A token that is issued in the future, or long ago, tells of two clocks that disagree. */
const skewMs = 30_000

/**
 * How long a fresh token lasts, and whether its server has our time; pure.
 *
 * @param issuedAt what the token says, by the server's clock
 * @param now by ours; both in milliseconds since 1970
 */
export function inspectLifetime(token: Token, issuedAt: number | undefined, now: number): Finding {
  const seconds = Math.round((token.expiresAt - now) / 1000)
  const skew = issuedAt === undefined ? 0 : Math.round((issuedAt - now) / 1000)
  if (Math.abs(skew) * 1000 > skewMs) {
    return warn(
      `the identity provider's clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
      'let both follow a time server (NTP): APIs refuse tokens that are not valid yet, or no longer',
    )
  }
  if (seconds < 60) {
    return warn(
      `a token lives ${seconds} s`,
      'under a minute every few requests log in again: raise Access Token Lifespan (Clients → Advanced, or Realm settings → Tokens)',
    )
  }
  return ok(`a token lives ${seconds} s`)
}
