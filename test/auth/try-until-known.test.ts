import { expect, test } from 'vitest'
import { Token } from '../../src/auth/token.ts'
import { type ApiWatch, type Setback, tryUntilKnown } from '../../src/auth/try-until-known.ts'
import {
  OutageError,
  PermanentError,
  RefusalError,
  TransientError,
  UnknownOutcomeError,
  type WorkerError,
} from '../../src/errors.ts'
import { systemClock } from '../../src/time/clock.ts'

const done = { kind: 'done', value: 'answer' } as const
const rejected: Setback = { kind: 'token-rejected', reason: 'expired' }
const outage: Setback = { kind: 'error', error: new TransientError('away', 'away') }
const refused: Setback = { kind: 'error', error: new PermanentError('no', 'no') }
const limited = (retryAfterMs: number): Setback => ({ kind: 'rate-limited', retryAfterMs })

/** Passes on how each try ended. */
function watchAll(asked: ApiWatch['asked']): ApiWatch {
  return { during: (_, work) => work(), asked }
}

/**
 * Plays these verdicts, and tells how it ended, with all pauses and how many tokens were dropped.
 *
 * @param tryMs how long each try takes
 * @param waitMs how long it waits before
 */
async function play(verdicts: readonly (typeof done | Setback)[], tryMs = 0, waitMs = 0) {
  const left = [...verdicts]
  const slept: number[] = []
  const told: string[] = []
  let dropped = 0
  let elapsedMs = 0
  const sleep = async (ms: number) => {
    slept.push(ms)
  }
  const token = new Token('token', Number.POSITIVE_INFINITY)
  const deps = {
    clock: { now: () => 0, elapsed: () => elapsedMs, sleep },
    watch: watchAll(({ outcome }) => told.push(outcome)),
  }
  const outcome = await tryUntilKnown(deps, undefined, {
    operation: 'query',
    tryOnce: async (_, sending) => {
      elapsedMs += waitMs
      return sending(async () => {
        elapsedMs += tryMs
        return { token, verdict: left.shift() ?? expect.fail('one try too many') }
      })
    },
    pause: sleep,
    isWorthAnotherTry: error => error instanceof TransientError,
    giveUp() {
      dropped += 1
    },
    explainRejection: reason => new PermanentError('rejected', reason),
    explainPause: ms => `pause of ${ms}`,
  }).catch((error: unknown) => (error instanceof Error ? error.message : error))
  return { outcome, slept, dropped, told, left: left.length }
}

test.each([
  ['an answer', [done], { outcome: 'answer', slept: [], dropped: 0 }],
  ['one rejection costs a token and no pause', [rejected, done], { outcome: 'answer', slept: [], dropped: 1 }],
  ['a second one ends it', [rejected, rejected], { outcome: 'expired', slept: [], dropped: 1 }],
  [
    'each try has its fresh token',
    [rejected, outage, rejected, done],
    { outcome: 'answer', slept: [1_000], dropped: 2 },
  ],
  ['three more tries', [outage, outage, outage, done], { outcome: 'answer', slept: [1_000, 2_000, 4_000] }],
  ['and no fourth', [outage, outage, outage, outage], { outcome: 'away', slept: [1_000, 2_000, 4_000] }],
  ['none of what is refused', [refused], { outcome: 'no', slept: [] }],
  ['pauses cost no try', [limited(20_000), outage, limited(40_000), done], { outcome: 'answer' }],
  ['pauses of a minute in all', [limited(20_000), outage, limited(40_001)], { outcome: 'pause of 40001' }],
] as const)('%s', async (_, verdicts, expected) => {
  expect(await play(verdicts)).toMatchObject({ ...expected, left: 0 })
})

const failedWith = (error: WorkerError): Setback => ({ kind: 'error', error })

test('an outage that takes long to be noticed ends the request, so that its slot is free', async () => {
  const unreachable = failedWith(new OutageError('network', 'account', 'unreachable'))
  expect(await play([unreachable], 11_000)).toMatchObject({ outcome: 'unreachable', slept: [] })
  expect(await play([unreachable, done], 10)).toMatchObject({ outcome: 'answer', slept: [1_000] })
  expect(await play([unreachable, done], 10, 30_000)).toMatchObject({ outcome: 'answer', slept: [1_000] })
  // One query may be slow without an outage, or cut off by a restart behind a proxy.
  const restarted = failedWith(new OutageError('http-502', 'account', 'HTTP 502'))
  expect(await play([restarted, done], 30_000)).toMatchObject({ outcome: 'answer', slept: [1_000] })
  expect(await play([outage, done], 30_000)).toMatchObject({ outcome: 'answer', slept: [1_000] })
})

test.each([
  ['done', done],
  ['token-rejected', rejected],
  ['rate-limited', limited(60_001)],
  ['refused', refused],
  ['refused', failedWith(new RefusalError('claims', 'account', 'no'))],
  ['failed', failedWith(new TransientError('slow', 'slow'))],
  ['outage', failedWith(new OutageError('network', 'account', 'away'))],
  ['unknown', failedWith(new UnknownOutcomeError('no answer'))],
] as const)('each try is told, as %s', async (outcome, verdict) => {
  const { told } = await play([verdict, done, done, done, done])
  expect(told[0]).toBe(outcome)
})

test('what was never sent is not told', async () => {
  const told: unknown[] = []
  const asked = tryUntilKnown({ clock: systemClock, watch: watchAll(tried => told.push(tried)) }, undefined, {
    operation: 'query',
    tryOnce: async () => ({ verdict: refused }),
    pause: async () => {},
    isWorthAnotherTry: () => false,
    giveUp() {},
    explainRejection: reason => new PermanentError('rejected', reason),
    explainPause: ms => `pause of ${ms}`,
  })
  await expect(asked).rejects.toThrow('no')
  expect(told).toEqual([])
})
