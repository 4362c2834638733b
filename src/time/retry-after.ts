/**
 * How many milliseconds a `Retry-After` header asks to wait (RFC 9110, section 10.2.3: seconds or an HTTP date), within the
 * bounds of `boundPause`.
 *
 * @param now milliseconds since 1970, needed for a date
 * @param otherwise what to wait when the header is absent or nonsense; default 5 seconds
 */
export function parseRetryAfter(header: string | null, now: number, otherwise = 5_000): number {
  const text = header?.trim() ?? ''
  const asked = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  return Number.isNaN(asked) ? otherwise : boundPause(asked)
}

/**
 * A pause that an API asks for, in milliseconds, as it is kept: from a second, so that "0" and an instant that has passed don't
 * become a busy loop, to an hour, whatever it says.
 */
export function boundPause(askedMs: number): number {
  return Math.min(Math.max(1_000, askedMs), longestMs)
}

const longestMs = 3_600_000
