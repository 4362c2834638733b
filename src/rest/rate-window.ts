/** The API's latest statement about the account's remaining requests. */
export interface RateWindow {
  /** Requests per window, if the API tells. */
  readonly limit: number | undefined
  readonly remaining: number
  /** When the window resets, in milliseconds by the clock of whoever asks. */
  readonly resetAt: number
}

/** Below this share of the limit, requests are spread out. */
const spreadBelowShare = 0.25

/** The same in requests, if the API doesn't tell its limit. */
const spreadBelowCount = 10

/** Of an hour or a day the rest isn't spread out: a run would wait as if nothing were left. */
const mostApartMs = 10_000

/**
 * When the next request may be sent. Immediately while plenty remain; below a quarter of the limit, the rest is spread over the time
 * until the reset, at most 10 seconds apart; with nothing left, at the reset.
 *
 * @param lastAt when the previous request was or will be sent
 * @returns an instant between `now` and the reset
 */
export function nextSlotAt(window: RateWindow | undefined, lastAt: number, now: number): number {
  if (!window || window.resetAt <= now) return now
  const { limit, remaining, resetAt } = window
  if (remaining <= 0) return resetAt
  const spreadBelow = limit === undefined ? spreadBelowCount : limit * spreadBelowShare
  if (remaining > spreadBelow) return now
  const from = Math.max(now, lastAt)
  const apartMs = Math.min(mostApartMs, Math.max(0, resetAt - from) / remaining)
  return Math.min(resetAt, Math.max(now, Math.ceil(lastAt + apartMs)))
}

/**
 * What remains after a response. Responses overtake each other and don't count requests that are still on their way, so within
 * one window the smaller number is right. Of two windows with different limits, such as one of an hour and one of a minute for some
 * paths, the one that resets last counts; the other one's responses say nothing about it.
 *
 * @param open requests that were sent, or are about to be, and have no response yet
 */
export function mergeWindows(known: RateWindow | undefined, told: RateWindow, open: number): RateWindow {
  const remaining = Math.max(0, told.remaining - open)
  // Whole seconds: two responses in one window may name resets a second or two apart.
  if (!known || told.resetAt > known.resetAt + 2_000) return { ...told, remaining }
  if (told.limit !== known.limit && told.resetAt < known.resetAt - 2_000) return known
  return { ...told, resetAt: known.resetAt, remaining: Math.min(known.remaining, remaining) }
}
