import { expect, test } from 'vitest'
import { Token } from '../../src/auth/token.ts'
import { type Setback, tryUntilKnown } from '../../src/auth/try-until-known.ts'
import { PermanentError, TransientError } from '../../src/errors.ts'

const done = { kind: 'done', value: 'answer' } as const
const rejected: Setback = { kind: 'token-rejected', reason: 'expired' }
const outage: Setback = { kind: 'error', error: new TransientError('away', 'away') }
const refused: Setback = { kind: 'error', error: new PermanentError('no', 'no') }
const limited = (retryAfterMs: number): Setback => ({ kind: 'rate-limited', retryAfterMs })

/** Plays these verdicts, and tells how it ended, with all pauses and how many tokens were dropped. */
async function play(verdicts: readonly (typeof done | Setback)[]) {
  const left = [...verdicts]
  const slept: number[] = []
  let dropped = 0
  const sleep = async (ms: number) => {
    slept.push(ms)
  }
  const token = new Token('token', Number.POSITIVE_INFINITY)
  const tokens = {
    drop() {
      dropped += 1
    },
  }
  const outcome = await tryUntilKnown({ tokens, clock: { now: () => 0, sleep } }, undefined, {
    tryOnce: async () => ({ token, verdict: left.shift() ?? expect.fail('one try too many') }),
    pause: sleep,
    isWorthAnotherTry: error => error instanceof TransientError,
    explainRejection: reason => new PermanentError('rejected', reason),
    explainPause: ms => `pause of ${ms}`,
  }).catch((error: unknown) => (error instanceof Error ? error.message : error))
  return { outcome, slept, dropped, left: left.length }
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
