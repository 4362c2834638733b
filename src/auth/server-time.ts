import type { Clock } from '../time/clock.ts'

/** The offset of a server's clock, measured by the `Date` header of its responses (RFC 9110, section 6.6.1). */
export interface ServerTime {
  /** Records a response's `Date` header, if any. */
  observe(date: string | null): void
  /** The server's time, in milliseconds since 1970; local time before the first response. */
  now(): number
  /** Milliseconds that the server is ahead, negative when behind; 0 within the tolerance. */
  aheadMs(): number
}

/** Smaller differences come from whole seconds in `Date` and from slow responses. */
const toleranceMs = 5_000

export function createServerTime(clock: Clock): ServerTime {
  let aheadMs = 0
  return {
    observe(date) {
      const difference = Date.parse(date ?? '') - clock.now()
      if (Number.isNaN(difference)) return
      aheadMs = Math.abs(difference) > toleranceMs ? difference : 0
    },
    now: () => clock.now() + aheadMs,
    aheadMs: () => aheadMs,
  }
}
