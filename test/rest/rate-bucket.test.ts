import { describe, expect, test } from 'vitest'
import { createRateBucket } from '../../src/rest/rate-bucket.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'

const { signal } = new AbortController()
const told = (remaining: number, resetSeconds: number, limit = 100) =>
  new Headers({
    'x-ratelimit-limit': String(limit),
    'x-ratelimit-remaining': String(remaining),
    'x-ratelimit-reset': String(resetSeconds),
  })

/** A clock whose pauses all begin at the same instant, as those of requests that wait side by side. */
class StandingClock extends VirtualClock {
  override async sleep(ms: number): Promise<void> {
    this.pausesMs.push(ms)
    await new Promise(resolve => setImmediate(resolve))
    this.advance(Math.max(0, this.#wakeAt(ms) - this.now()))
  }

  readonly #startedAt = this.now()

  #wakeAt(ms: number): number {
    return this.#startedAt + ms
  }
}

describe('a bucket', () => {
  test('lets everything through while nothing is known of a limit', async () => {
    const clock = new VirtualClock()
    const bucket = createRateBucket(clock)
    for (let sent = 0; sent < 100; sent += 1) {
      await bucket.enter(signal, 0)
      bucket.leave(sent % 2 === 0 ? new Headers() : undefined)
    }
    expect(clock.pausesMs).toEqual([])
  })

  test('slows down before it is spent, and is full again at the reset', async () => {
    const clock = new VirtualClock()
    const bucket = createRateBucket(clock)
    const resetAt = clock.now() + 60_000
    for (let left = 29; left >= 0; left -= 1) {
      await bucket.enter(signal, 60_000)
      bucket.leave(told(left, (resetAt - clock.now()) / 1_000))
    }
    // 29, 28, 27, 26, then a quarter is left: 60 seconds in 25 parts.
    expect(clock.pausesMs).toHaveLength(25)
    expect(Math.max(...clock.pausesMs) - Math.min(...clock.pausesMs)).toBeLessThan(30)
    expect(clock.now()).toBe(resetAt)
    await bucket.enter(signal, 0)
    expect(clock.now()).toBe(resetAt)
  })

  test('asks once an hour whether a quota that resets in a month is larger by now', async () => {
    const clock = new VirtualClock()
    const bucket = createRateBucket(clock)
    const month = 30 * 24 * 3_600
    await bucket.enter(signal, 0)
    bucket.leave(told(0, month))
    for (const left of [0, 50]) {
      await expect(bucket.enter(signal, 60_000)).rejects.toMatchObject({ retryAfterMs: 3_600_000 })
      clock.advance(3_600_000)
      await bucket.enter(signal, 0)
      bucket.leave(told(left, month))
    }
    await bucket.enter(signal, 0)
  })

  test('gives those who come at once one slot each', async () => {
    const clock = new StandingClock()
    const bucket = createRateBucket(clock)
    await bucket.enter(signal, 0)
    bucket.leave(told(4, 40))
    await Promise.all(Array.from({ length: 6 }, () => bucket.enter(signal, 60_000)))
    expect(clock.pausesMs).toEqual([10_000, 20_000, 30_000, 40_000, 40_000, 40_000])
  })

  test('stops those who wait already when the API asks for a pause', async () => {
    const clock = new VirtualClock()
    const bucket = createRateBucket(clock)
    await bucket.enter(signal, 0)
    bucket.leave(told(4, 40))
    const sleep = clock.sleep.bind(clock)
    clock.sleep = async ms => {
      if (clock.pausesMs.length === 0) bucket.pause(25_000)
      await sleep(ms)
    }
    await bucket.enter(signal, 60_000)
    expect(clock.pausesMs).toEqual([10_000, 15_000])
  })

  test.each([-3_600_000, 3_600_000])('pauses as long when the clock of the machine is corrected by %s ms', async ms => {
    const clock = new VirtualClock()
    const bucket = createRateBucket(clock)
    bucket.pause(5_000)
    clock.correct(ms)
    await bucket.enter(signal, 60_000)
    bucket.leave(told(0, 20))
    clock.correct(ms)
    await bucket.enter(signal, 60_000)
    bucket.leave(told(0, (clock.now() + 30_000) / 1_000))
    clock.correct(ms)
    await bucket.enter(signal, 60_000)
    expect(clock.pausesMs).toEqual([5_000, 20_000, 30_000])
  })

  test('takes no slot for who would have to wait too long, or gives up', async () => {
    const clock = new VirtualClock()
    const bucket = createRateBucket(clock)
    await bucket.enter(signal, 0)
    bucket.leave(told(0, 90))
    await expect(bucket.enter(signal, 60_000)).rejects.toMatchObject({ code: 'rate-limited', retryAfterMs: 90_000 })
    clock.advance(40_000)
    const leaving = new AbortController()
    const sleep = clock.sleep.bind(clock)
    clock.sleep = async () => {
      throw new Error('leaving')
    }
    await expect(bucket.enter(leaving.signal, 60_000)).rejects.toThrow('leaving')
    clock.sleep = sleep
    await bucket.enter(signal, 60_000)
    expect(clock.pausesMs).toEqual([50_000])
  })

  test('does not send for a signal that was aborted before', async () => {
    const bucket = createRateBucket(new VirtualClock())
    await expect(bucket.enter(AbortSignal.abort(new Error('too late')), 60_000)).rejects.toThrow('too late')
  })
})
