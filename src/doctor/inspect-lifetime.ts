import type { Token } from '../auth/token.ts'
import { type Finding, ok, warn } from './check.ts'

/** A fresh token issued this far in the future or the past means that the clocks disagree. */
const skewMs = 30_000

/**
 * Checks how long a fresh token lasts, and whether the clocks agree; pure.
 *
 * @param issuedAt from the token, by the server's clock, in milliseconds since 1970
 * @param now by this machine's clock, in milliseconds since 1970
 */
export function inspectLifetime(token: Token, issuedAt: number | undefined, now: number): Finding {
  const seconds = Math.round((token.expiresAt - now) / 1000)
  const skew = issuedAt === undefined ? 0 : Math.round((issuedAt - now) / 1000)
  if (Math.abs(skew) * 1000 > skewMs) {
    return warn(
      `the identity provider's clock is ${Math.abs(skew)} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
      'synchronize both clocks (NTP): APIs refuse tokens that are not valid yet or have expired',
    )
  }
  if (seconds < 60) {
    return warn(
      `a token lives ${seconds} s`,
      'raise Access Token Lifespan (Clients → Advanced, or Realm settings → Tokens): below a minute, every few requests need another login',
    )
  }
  return ok(`a token lives ${seconds} s`)
}
