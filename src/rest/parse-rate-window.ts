import { fromEpoch, smallestEpochSeconds, toLocalInstant } from '../time/retry-after.ts'
import type { RateWindow } from './rate-window.ts'

/** What a header says, as texts; anything but a number is unknown. */
interface Written {
  readonly limit?: string | undefined
  readonly remaining?: string | undefined
  readonly reset?: string | undefined
}

/**
 * Reads what an API tells about its rate limit. There is no standard for it: `X-RateLimit-Limit`, `-Remaining` and `-Reset`, with
 * other prefixes, or the fields of draft-ietf-httpapi-ratelimit-headers in its older and newer forms. A reset is a number of
 * seconds, or an epoch in seconds, milliseconds or microseconds by the API's clock. `Date` shows how far that clock differs.
 * Where several limits are told, as by an API and a gateway in front of it, the one counts of which the least remains.
 *
 * @param now milliseconds since the Unix epoch, by the local clock
 * @returns undefined if the remaining count or the reset is missing
 */
export function parseRateWindow(headers: Pick<Headers, 'get'>, now: number): RateWindow | undefined {
  const windows = [...readSeparate(headers), ...readCombined(headers)].flatMap(({ limit, remaining, reset }) => {
    const [left, until] = [readNumber(remaining), readNumber(reset)]
    if (left === undefined || until === undefined) return []
    const resetAt = until < smallestEpochSeconds ? now + until * 1_000 : toLocalInstant(fromEpoch(until), headers, now)
    return [{ limit: readNumber(limit), remaining: Math.floor(left), resetAt }]
  })
  return windows.toSorted((a, b) => a.remaining - b.remaining || b.resetAt - a.resetAt)[0]
}

const prefixes = ['x-ratelimit', 'x-rate-limit', 'ratelimit']

/** One header each; a repeated header arrives as one list. */
function readSeparate(headers: Pick<Headers, 'get'>): readonly Written[] {
  return prefixes.flatMap(prefix => {
    const [limits, left, resets] = ['limit', 'remaining', 'reset'].map(name =>
      splitList(headers.get(`${prefix}-${name}`)).map(withoutParameters),
    )
    return (left ?? []).map((remaining, at) => ({ limit: limits?.[at], remaining, reset: resets?.[at] }))
  })
}

/** `RateLimit: limit=100, remaining=50, reset=30`, later `"a";r=50;t=30` with its `RateLimit-Policy: "a";q=100`. */
function readCombined(headers: Pick<Headers, 'get'>): readonly Written[] {
  const text = headers.get('ratelimit') ?? ''
  const policies = splitList(headers.get('ratelimit-policy'))
  const old = readParameters(text)
  return [
    { limit: old.limit, remaining: old.remaining, reset: old.reset },
    ...splitList(text).map(item => {
      const policy = policies.find(each => withoutParameters(each) === withoutParameters(item))
      const { r: remaining, t: reset } = readParameters(item)
      return { limit: policy && readParameters(policy).q, remaining, reset }
    }),
  ]
}

function splitList(header: string | null): readonly string[] {
  return (header?.match(/(?:"[^"]*"|[^,"])+/g) ?? []).map(item => item.trim())
}

function withoutParameters(item: string): string {
  return item.replace(/;[^"]*$/, '').trim()
}

function readParameters(text: string): Readonly<Record<string, string | undefined>> {
  const found = text.replaceAll(/"[^"]*"/g, '""').matchAll(/(?:^|[;,])\s*([a-z]+)=([^;,\s]+)/gi)
  return Object.fromEntries([...found].map(([, name = '', value]) => [name.toLowerCase(), value]))
}

function readNumber(text = ''): number | undefined {
  return /^\d{1,16}(?:\.\d{1,9})?$/.test(text) ? Number(text) : undefined
}
