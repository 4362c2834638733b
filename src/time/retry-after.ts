/**
 * The milliseconds that a `Retry-After` header asks to wait (RFC 9110, section 10.2.3: seconds or an HTTP date), within the
 * limits of `boundPause`.
 *
 * @param now milliseconds since the Unix epoch, needed for a date
 * @param otherwise the pause if the header is absent or invalid; default 5 seconds
 */
export function parseRetryAfter(header: string | null, now: number, otherwise = 5_000): number {
  const text = header?.trim() ?? ''
  const asked = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isNaN(asked) ? otherwise : boundPause(asked)
}

/**
 * Limits a pause that an API asks for, in milliseconds. The minimum is a second, so that "0" or a past date doesn't cause a busy
 * loop; the maximum is an hour.
 */
export function boundPause(askedMs: number): number {
  return Math.min(Math.max(1_000, askedMs), longestMs)
}

const longestMs = 3_600_000
