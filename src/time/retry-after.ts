import { parseHttpDate } from './http-date.ts'

/**
 * The milliseconds that a response's `Retry-After` asks to wait (RFC 9110, section 10.2.3: seconds or an HTTP date), within the
 * limits of `boundPause`. Also read are fractions of seconds, instants as seconds since 1970, and ISO dates, as some servers
 * write them, and the longest of several pauses, when a proxy adds its own. An instant is by the server's clock, whose difference to ours `Date` shows.
 *
 * @param now milliseconds since the Unix epoch, by the local clock
 * @param otherwise the pause if the header is absent or invalid; default 5 seconds
 */
export function parseRetryAfter(headers: Pick<Headers, 'get'>, now: number, otherwise = 5_000): number {
  const text = headers.get('retry-after')?.trim() ?? ''
  const times = text.split(/\s*,\s*/)
  const seconds = times.every(time => /^\d{1,16}(?:\.\d{1,9})?$/.test(time))
    ? Math.max(...times.map(Number))
    : Number.NaN
  if (seconds < smallestEpochSeconds) return boundPause(Math.ceil(seconds * 1_000))
  const at = Number.isNaN(seconds) ? parseHttpDate(text) : fromEpoch(seconds)
  return Number.isNaN(at) ? otherwise : boundPause(toLocalInstant(at, headers, now) - now)
}

/**
 * Whether an answer asks for a pause and means that the request was not carried out (RFC 9110, sections 15.5.4 and 15.6.4;
 * RFC 6585, section 4).
 */
export function asksForPause({
  status,
  headers,
}: {
  readonly status: number
  readonly headers: Pick<Headers, 'get'>
}): boolean {
  return status === 429 || (pausing.has(status) && headers.get('retry-after') !== null)
}

/** Statuses with other meanings, unless the answer says when to come back: 403 is also that of a gateway whose quota is used up. */
const pausing: ReadonlySet<number> = new Set([403, 503, 529])

/**
 * Limits a pause that an API asks for, in milliseconds. The minimum is a second, so that "0" or a past date doesn't cause a busy
 * loop; the maximum is an hour.
 */
export function boundPause(askedMs: number): number {
  return Math.min(Math.max(1_000, askedMs), longestMs)
}

const longestMs = 3_600_000

/** Ten years in seconds: no pause and no window is that long, and no epoch that small. */
export const smallestEpochSeconds = 315_360_000

/** Milliseconds since the Unix epoch, from an epoch in seconds, milliseconds or microseconds. */
export function fromEpoch(epoch: number): number {
  if (epoch > smallestEpochSeconds * 1_000_000) return epoch / 1_000
  return epoch > smallestEpochSeconds * 1_000 ? epoch : epoch * 1_000
}

/** An instant by the clock of the server that sent these headers, by the local one. */
export function toLocalInstant(instant: number, headers: Pick<Headers, 'get'>, now: number): number {
  const serverNow = parseHttpDate(headers.get('date') ?? '')
  return Number.isNaN(serverNow) ? instant : instant + (now - serverNow)
}
