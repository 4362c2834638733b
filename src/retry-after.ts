/**
 * How many milliseconds a `Retry-After` header asks to wait (RFC 9110, section 10.2.3: seconds or an HTTP date), never
 * below one second so that "0" and a date that has passed don't become a busy loop, and never above an hour, whatever it says.
 *
 * @param now milliseconds since 1970, needed for a date
 * @param otherwise what to wait when the header is absent or nonsense; default 5 seconds
 */
export function parseRetryAfter(header: string | null, now: number, otherwise = 5_000): number {
  const text = header?.trim() ?? ''
  const asked = /^\d{1,9}$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - now
  if (Number.isNaN(asked)) return otherwise
  return Math.min(Math.max(1_000, asked), longestMs)
}

const longestMs = 3_600_000
