import { expect, test } from 'vitest'
import { parseRetryAfter } from '../../src/time/retry-after.ts'

const now = Date.UTC(2026, 10, 1, 12)

test.each([
  ['7', 7_000],
  [' 120 ', 120_000],
  ['0', 1_000],
  ['Sun, 01 Nov 2026 12:00:30 GMT', 30_000],
  ['Sun, 01 Nov 2026 11:00:00 GMT', 1_000],
  ['3600', 3_600_000],
  ['3601', 3_600_000],
  // 31 years, and a date as far away.
  ['999999999', 3_600_000],
  ['Sun, 01 Nov 2057 12:00:00 GMT', 3_600_000],
  [null, 5_000],
  ['', 5_000],
  ['soon', 5_000],
  ['99999999999999999999', 5_000],
])('Retry-After %j means %d ms', (header, pauseMs) => {
  expect(parseRetryAfter(header, now)).toBe(pauseMs)
})
