import type { Clock } from './clock.ts'
import { parseHttpDate } from './http-date.ts'

/** The offset of a server's clock, measured by the `Date` header of its responses (RFC 9110, section 6.6.1) and, from a
 * cache, their `Age` (RFC 9111, section 4.2.3). */
export interface ServerTime {
  /** Records the headers of a response. */
  observe(headers: Pick<Headers, 'get'>): void
  /** The server's time, in milliseconds since 1970; local time before the first response. */
  now(): number
  /** Milliseconds that the server is ahead, negative when behind; 0 within the tolerance. It changes only by more than that. */
  aheadMs(): number
}

/** Smaller differences come from whole seconds in `Date` and from slow responses. */
const toleranceMs = 5_000

export function createServerTime(clock: Clock): ServerTime {
  let aheadMs = 0
  return {
    observe(headers) {
      const ageMs = Number(headers.get('age') ?? 0) * 1_000 || 0
      const difference = parseHttpDate(headers.get('date') ?? '') + ageMs - clock.now()
      if (Number.isNaN(difference) || Math.abs(difference - aheadMs) <= toleranceMs) return
      aheadMs = Math.abs(difference) > toleranceMs ? difference : 0
    },
    now: () => clock.now() + aheadMs,
    aheadMs: () => aheadMs,
  }
}
