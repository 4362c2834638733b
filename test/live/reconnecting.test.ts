import { describe, expect, test } from 'vitest'
import { RateLimitedError, TransientError, type WorkerError } from '../../src/errors.ts'
import type { Connection, SubscriptionClient } from '../../src/hasura/subscription-client.ts'
import { keepConnection } from '../../src/live/keep-connection.ts'
import type { LiveLine } from '../../src/live/live-line.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'

const minute = 60_000
const lost = new TransientError('closed', 'The WebSocket was cut off')

interface Server {
  /** Of a connection's token, from when it is opened. */
  readonly lifeMs?: number
  /** When it closes a connection after it has opened it; default never. */
  readonly closesAfterMs?: number
  /** Instead of opening one. */
  readonly refusal?: WorkerError
}

/** When connections were opened in the given time, and how often the line was told of a gap. */
async function keepFor(ms: number, { lifeMs = 3_600_000, closesAfterMs, refusal }: Server) {
  const clock = new ManualClock()
  const openedAt: number[] = []
  let missed = 0
  let open = 0
  let leastOpen = Number.POSITIVE_INFINITY
  const client: SubscriptionClient = {
    role: 'viewer',
    async connect() {
      openedAt.push(clock.now())
      if (refusal) throw refusal
      open += 1
      const closed = Promise.withResolvers<WorkerError>()
      void closed.promise.then(() => {
        open -= 1
        leastOpen = Math.min(leastOpen, open)
      })
      if (closesAfterMs !== undefined) void clock.sleep(closesAfterMs).then(() => closed.resolve(lost))
      return {
        expiresAt: clock.now() + lifeMs,
        closed: closed.promise,
        subscribe: () => () => {},
        close: () => closed.resolve(lost),
      } satisfies Connection
    },
  }
  const line: LiveLine = {
    job: 'sync-things',
    async subscribe() {},
    missed() {
      missed += 1
    },
    report() {},
  }
  const stop = new AbortController()
  const ended = keepConnection({ client, clock }, [line], stop.signal)
  await clock.advance(ms)
  const result = { openedAt, missed, leastOpen }
  stop.abort()
  await ended
  return result
}

describe('connections of an account', () => {
  test.each<[string, Server]>([
    ['closes each one at once', { closesAfterMs: 0 }],
    ['closes each one after nine seconds', { closesAfterMs: 9_000 }],
    ['refuses each one', { refusal: lost }],
  ])('follow each other with growing pauses where the server %s', async (_, server) => {
    const { openedAt } = await keepFor(30 * minute, server)
    expect(openedAt.length).toBeLessThan(40)
    const pauses = openedAt.slice(1).map((at, index) => at - (openedAt[index] ?? 0) - (server.closesAfterMs ?? 0))
    expect(pauses.slice(0, 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map(seconds => seconds * 1_000))
  })

  test('wait as long as the API asks', async () => {
    const { openedAt } = await keepFor(30 * minute, { refusal: new RateLimitedError('Too many', 10 * minute) })
    expect(openedAt).toEqual([0, 10, 20, 30].map(minutes => minutes * minute))
  })

  test.each([
    ['that has expired', -60_000],
    ['without a life', 0],
    ['of a tenth of a second', 100],
  ])('are replaced once a second at most, with tokens %s', async (_, lifeMs) => {
    const { openedAt } = await keepFor(minute, { lifeMs })
    expect(openedAt.length).toBeLessThanOrEqual(61)
  })

  test.each([10_000, minute, 5 * minute, 60 * minute, 90 * 24 * 60 * minute])(
    'are replaced before a token of %d ms expires, while the previous one is open',
    async lifeMs => {
      const { openedAt, missed, leastOpen } = await keepFor(3 * lifeMs, { lifeMs })
      expect(openedAt.length).toBeGreaterThan(3)
      const longest = Math.max(...openedAt.slice(1).map((at, index) => at - (openedAt[index] ?? 0)))
      expect(longest).toBeLessThan(lifeMs)
      expect(leastOpen).toBe(1)
      expect(missed).toBe(1)
    },
  )
})
