import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseRateWindow } from '../../src/rest/parse-rate-window.ts'
import { mergeWindows, nextSlotAt } from '../../src/rest/rate-window.ts'

const now = Date.UTC(2026, 10, 1, 12)
const headers = (remaining: string | null, reset: string | null, limit?: string, date?: string) =>
  new Headers({
    ...(remaining !== null && { 'x-ratelimit-remaining': remaining }),
    ...(reset !== null && { 'x-ratelimit-reset': reset }),
    ...(limit !== undefined && { 'x-ratelimit-limit': limit }),
    ...(date !== undefined && { date }),
  })

describe('the headers of a limit', () => {
  test.each([
    ['seconds', headers('5', '30', '100'), { limit: 100, remaining: 5, resetAt: now + 30_000 }],
    ['seconds with a fraction', headers('5', '0.5'), { limit: undefined, remaining: 5, resetAt: now + 500 }],
    ['an epoch', headers('5', String(now / 1_000 + 30)), { limit: undefined, remaining: 5, resetAt: now + 30_000 }],
    [
      'an epoch in µs',
      headers('5', String((now + 30_000) * 1_000)),
      { limit: undefined, remaining: 5, resetAt: now + 30_000 },
    ],
    ['an epoch in ms', headers('5', String(now + 30_000)), { limit: undefined, remaining: 5, resetAt: now + 30_000 }],
    [
      'an epoch of a clock that is an hour ahead',
      headers('5', String(now / 1_000 + 3_630), '9', new Date(now + 3_600_000).toUTCString()),
      { limit: 9, remaining: 5, resetAt: now + 30_000 },
    ],
    ['no remaining', headers(null, '30'), undefined],
    ['no reset', headers('0', null), undefined],
    ['nonsense', headers('many', '30'), undefined],
    ['something negative', headers('-1', '30'), undefined],
  ])('are read with %s', (_name, given, window) => {
    expect(parseRateWindow(given, now)).toEqual(window)
  })

  test.each<[string, Record<string, string>, number | undefined, number, number]>([
    [
      'X-Rate-Limit',
      { 'x-rate-limit-limit': '9', 'x-rate-limit-remaining': '5', 'x-rate-limit-reset': '30' },
      9,
      5,
      30,
    ],
    ['the draft', { 'ratelimit-limit': '9, 9;w=60', 'ratelimit-remaining': '5', 'ratelimit-reset': '30' }, 9, 5, 30],
    ['the draft in one header', { ratelimit: 'limit=9, remaining=5, reset=30' }, 9, 5, 30],
    ['the newest draft', { ratelimit: '"a,b";r=5;t=30', 'ratelimit-policy': '"x";q=1, "a,b";q=9;w=60' }, 9, 5, 30],
    ['the newest draft without policies', { ratelimit: 'default; r=5; t=30' }, undefined, 5, 30],
    ['several policies', { ratelimit: '"hour";r=99;t=900, "second";r=0;t=1' }, undefined, 0, 1],
    [
      'the limits of a gateway and an API',
      { 'x-ratelimit-limit': '100, 10', 'x-ratelimit-remaining': '80, 2', 'x-ratelimit-reset': '3600, 30' },
      10,
      2,
      30,
    ],
    [
      'one limit told in two ways',
      { 'x-ratelimit-remaining': '5', 'x-ratelimit-reset': '30', ratelimit: 'limit=9, remaining=5, reset=30' },
      undefined,
      5,
      30,
    ],
  ])('are read in the form of %s', (_name, told, limit, remaining, seconds) => {
    expect(parseRateWindow(new Headers(told), now)).toEqual({ limit, remaining, resetAt: now + seconds * 1_000 })
  })

  test.each<Record<string, string>>([
    { ratelimit: '"a";q=9' },
    { ratelimit: '"a;r=5;t=30"' },
    { ratelimit: 'nonsense' },
    { 'ratelimit-remaining': '5' },
  ])('say nothing in %j', told => {
    expect(parseRateWindow(new Headers(told), now)).toBeUndefined()
  })
})

describe('the next slot', () => {
  const resetAt = now + 60_000
  test.each([
    ['nothing is known', undefined, now, 0],
    ['the reset has passed', { limit: 100, remaining: 0, resetAt: now }, now, 0],
    ['much is left', { limit: 100, remaining: 26, resetAt }, now, 0],
    ['a quarter is left', { limit: 100, remaining: 20, resetAt }, now, 3_000],
    ['a quarter is left and the last went a while ago', { limit: 100, remaining: 20, resetAt }, now - 2_000, 1_000],
    ['a quarter is left and others are waiting', { limit: 100, remaining: 10, resetAt }, now + 30_000, 33_000],
    ['one is left', { limit: 100, remaining: 1, resetAt }, now, 10_000],
    ['a quarter of a day’s is left', { limit: 1_000, remaining: 249, resetAt: now + 72_000_000 }, now, 10_000],
    ['nothing is left', { limit: 100, remaining: 0, resetAt }, now, 60_000],
    ['others wait for the reset', { limit: 100, remaining: 1, resetAt }, now + 70_000, 60_000],
    ['the limit is not told and eleven are left', { limit: undefined, remaining: 11, resetAt }, now, 0],
    ['the limit is not told and ten are left', { limit: undefined, remaining: 10, resetAt }, now, 6_000],
  ])('when %s', (_name, window, lastAt, pauseMs) => {
    expect(nextSlotAt(window, lastAt, now) - now).toBe(pauseMs)
  })

  test('is never in the past and never after the reset', () => {
    const some = fc.record({
      limit: fc.option(fc.integer({ min: 1, max: 5_000 }), { nil: undefined }),
      remaining: fc.nat(5_000),
      resetInMs: fc.integer({ min: -60_000, max: 3_600_000 }),
      lastInMs: fc.integer({ min: -60_000, max: 3_700_000 }),
    })
    fc.assert(
      fc.property(some, ({ limit, remaining, resetInMs, lastInMs }) => {
        const slotAt = nextSlotAt({ limit, remaining, resetAt: now + resetInMs }, now + lastInMs, now)
        expect(slotAt).toBeGreaterThanOrEqual(now)
        expect(slotAt).toBeLessThanOrEqual(now + Math.max(0, resetInMs))
      }),
    )
  })

  test('keeps a limit that the API counts, however many are sent', () => {
    const some = fc.record({
      limit: fc.integer({ min: 1, max: 200 }),
      windowMs: fc.integer({ min: 1_000, max: 120_000 }),
      requests: fc.integer({ min: 1, max: 500 }),
      tookMs: fc.nat(300),
    })
    fc.assert(
      fc.property(some, ({ limit, windowMs, requests, tookMs }) => {
        let at = now
        let lastAt = Number.NEGATIVE_INFINITY
        let window: ReturnType<typeof parseRateWindow>
        let counted = { startedAt: now, used: 0 }
        for (let sent = 0; sent < requests; sent += 1) {
          at = lastAt = nextSlotAt(window, lastAt, at)
          if (at - counted.startedAt >= windowMs) counted = { startedAt: at, used: 0 }
          counted.used += 1
          expect(counted.used).toBeLessThanOrEqual(limit)
          window = mergeWindows(
            window && window.resetAt > at ? window : undefined,
            { limit, remaining: limit - counted.used, resetAt: counted.startedAt + windowMs },
            0,
          )
          at += tookMs
        }
      }),
    )
  })
})

describe('what is left', () => {
  const known = { limit: 100, remaining: 10, resetAt: now + 30_000 }
  test.each([
    ['the first time is what was told', undefined, { ...known, remaining: 50 }, 0, 50],
    ['does not count what is on its way', undefined, { ...known, remaining: 50 }, 8, 42],
    ['does not grow within a window', known, { ...known, remaining: 12 }, 0, 10],
    ['shrinks within a window', known, { ...known, remaining: 5 }, 2, 3],
    ['is new in the next window', known, { ...known, remaining: 99, resetAt: now + 90_000 }, 3, 96],
    ['is never below nothing', known, { ...known, remaining: 1 }, 5, 0],
  ])('%s', (_name, before, told, open, remaining) => {
    expect(mergeWindows(before, told, open).remaining).toBe(remaining)
  })

  test('of an hour says nothing of a minute’s, and the reverse', () => {
    const hour = { limit: 5_000, remaining: 4_990, resetAt: now + 3_000_000 }
    const minute = { limit: 30, remaining: 29, resetAt: now + 60_000 }
    expect(mergeWindows(mergeWindows(hour, minute, 0), { ...hour, remaining: 4_989 }, 0)).toMatchObject({
      limit: 5_000,
      remaining: 4_989,
    })
    expect(mergeWindows(minute, hour, 0)).toEqual(hour)
  })
})
