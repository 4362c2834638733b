import { expect, test } from 'vitest'
import { parseRetryAfter } from '../../src/time/retry-after.ts'

const now = Date.UTC(2026, 10, 1, 12)
const pauseOf = (told: Record<string, string>) => parseRetryAfter(new Headers(told), now)

test.each([
  ['7', 7_000],
  [' 120 ', 120_000],
  ['0', 1_000],
  ['3600', 3_600_000],
  ['3601', 3_600_000],
  // Some servers write fractions.
  ['0.503', 1_000],
  ['292.052427053', 292_053],
  ['2.0', 2_000],
  // Or when to come again, in seconds or milliseconds since 1970.
  [String(now / 1_000 + 60), 60_000],
  [String(now + 60_000), 60_000],
  ['999999999', 1_000],
  ['Sun, 01 Nov 2026 12:00:30 GMT', 30_000],
  ['Sun, 1 Nov 2026 12:00:30 +0000', 30_000],
  ['Sunday, 01-Nov-26 12:00:30 GMT', 30_000],
  ['Sun Nov  1 12:00:30 2026', 30_000],
  ['2026-11-01T12:00:30Z', 30_000],
  ['2026-11-01T12:00:30', 30_000],
  ['2026-11-01 13:00:30.5+01:00', 30_500],
  ['Sun, 01 Nov 2026 11:00:00 GMT', 1_000],
  ['Sun, 01 Nov 2057 12:00:00 GMT', 3_600_000],
  ['', 5_000],
  ['soon', 5_000],
  ['-1', 5_000],
  ['60 seconds', 5_000],
  // Of the server and of a proxy.
  ['120, 120', 120_000],
  ['60, 120', 120_000],
  ['60, soon', 5_000],
  ['dim., 01 nov. 2026 12:00:30 GMT', 5_000],
  ['99999999999999999999', 5_000],
])('Retry-After %j means %d ms', (header, pauseMs) => {
  expect(pauseOf({ 'retry-after': header })).toBe(pauseMs)
})

test('without Retry-After the pause is five seconds', () => {
  expect(pauseOf({})).toBe(5_000)
})

test.each(['Sun, 01 Nov 2026 11:50:30 GMT', String(now / 1_000 - 570)])(
  'an instant is by the clock of the server, which may be slow: %s',
  header => {
    expect(pauseOf({ 'retry-after': header, date: 'Sun, 01 Nov 2026 11:50:00 GMT' })).toBe(30_000)
  },
)

test('seconds pass at the same speed on any clock', () => {
  expect(pauseOf({ 'retry-after': '30', date: 'Sun, 01 Nov 2026 11:50:00 GMT' })).toBe(30_000)
})
