import type { Clock } from '../time/clock.ts'

/** How far the clock of a server is from the local one, as the `Date` of its answers shows (RFC 9110, section 6.6.1). */
export interface ServerTime {
  /** Takes an answer's `Date` header, when it has one. */
  observe(date: string | null): void
  /** The server's time, in milliseconds since 1970; the local one before the first answer. */
  now(): number
  /** Milliseconds that the server is ahead, negative when it is behind; 0 for what whole seconds and a slow answer explain. */
  aheadMs(): number
}

/** Differences up to this one are no skew. */
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
