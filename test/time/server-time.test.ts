import { expect, test } from 'vitest'
import { createServerTime } from '../../src/time/server-time.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

const now = Date.UTC(2026, 10, 1, 12)

test.each<[Record<string, string>, number]>([
  [{ date: 'Sun, 01 Nov 2026 12:01:00 GMT' }, 60_000],
  [{ date: 'Sun, 01 Nov 2026 11:59:57 GMT' }, 0],
  // A cache keeps the date of the answer that it had.
  [{ date: 'Sun, 01 Nov 2026 11:00:00 GMT', age: '3600' }, 0],
  [{ date: 'Sun, 01 Nov 2026 11:00:00 GMT', age: '3540' }, -60_000],
  [{ date: 'Sun, 01 Nov 2026 11:00:00 GMT', age: 'old' }, -3_600_000],
  // Without a zone it is UTC, whatever this machine's is.
  [{ date: 'Sun Nov  1 12:01:00 2026' }, 60_000],
  [{ date: 'noon' }, 0],
  [{ age: '60' }, 0],
])('by %j a server is %d ms ahead', (headers, aheadMs) => {
  const time = createServerTime(new VirtualClock(now))
  time.observe(new Headers(headers))
  expect([time.aheadMs(), time.now()]).toEqual([aheadMs, now + aheadMs])
})

test('what is measured a little differently is the same offset', () => {
  const time = createServerTime(new VirtualClock(now))
  const measured = ['12:01:00', '12:01:03', '12:00:57', '12:01:06', '12:00:03'].map(at => {
    time.observe(new Headers({ date: `Sun, 01 Nov 2026 ${at} GMT` }))
    return time.aheadMs()
  })
  expect(measured).toEqual([60_000, 60_000, 60_000, 66_000, 0])
})
