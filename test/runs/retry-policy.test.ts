import { describe, expect, test } from 'vitest'
import {
  JobError,
  LeaseLostError,
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  TransientError,
  UnknownOutcomeError,
  UsageError,
} from '../../src/errors.ts'
import { decideAfter, maxPassingFailures, maxUnknownFailures, retryPauseMs } from '../../src/runs/retry-policy.ts'

describe('what becomes of a request after', () => {
  const refusal = new RefusalError('job-roles', 'job', 'no role')
  const outage = new OutageError('network', 'account', 'down')

  test.each([
    ['a refusal', refusal, { kind: 'hold', cause: refusal }],
    ['an outage', outage, { kind: 'hold', cause: outage }],
    [
      'a rate limit',
      new RateLimitedError('slow down', 7_000),
      { kind: 'again', delayMs: 7_000, countsAsFailure: false },
    ],
    ['a lost lease', new LeaseLostError('taken over'), { kind: 'again', delayMs: 1_000, countsAsFailure: false }],
    [
      'a passing failure',
      new TransientError('timeout', 'late'),
      { kind: 'again', delayMs: 10_000, countsAsFailure: true },
    ],
    [
      'a fault of the job',
      new TypeError('undefined is no function'),
      { kind: 'again', delayMs: 10_000, countsAsFailure: true },
    ],
    ['a permanent error', new PermanentError('validation-failed', 'no'), { kind: 'fail' }],
    ['an unknown outcome', new UnknownOutcomeError('sent'), { kind: 'fail' }],
    ['a wrong payload', new UsageError('no'), { kind: 'fail' }],
  ])('%s', (_name, error, decision) => {
    expect(decideAfter(error, 0)).toEqual(decision)
  })

  test.each(['access-denied', 'jwt-missing-role-claims', 'jwt-invalid-claims'])(
    'Hasura’s "%s" in the middle of a run: a hold, as the gate would have placed it',
    code => {
      expect(decideAfter(new PermanentError(code, 'words of Hasura'), 3)).toMatchObject({
        kind: 'hold',
        cause: { code: 'job-roles', scope: 'job', message: 'words of Hasura' },
      })
    },
  )

  test.each([
    [
      'passing failures: a day, so that nothing is given up in a night',
      new TransientError('timeout', 'late'),
      maxPassingFailures,
      23,
    ],
    [
      'failures that nobody foresaw: not half an hour',
      new TypeError('undefined is no function'),
      maxUnknownFailures,
      0.3,
    ],
    ['what a job threw: the same', new JobError('job-error', 'no catalogue'), maxUnknownFailures, 0.3],
  ])('%s', (_what, failure, runs, hours) => {
    const decisions = Array.from({ length: runs }, (_, failures) => decideAfter(failure, failures))
    expect(decisions.map(decision => decision.kind)).toEqual([...Array(runs - 1).fill('again'), 'fail'])
    const pausesMs = decisions.reduce((sum, decision) => sum + ('delayMs' in decision ? decision.delayMs : 0), 0)
    expect(Math.abs(pausesMs / 3_600_000 - hours)).toBeLessThan(Math.max(1, hours) * 0.1)
  })

  test('the pauses grow, up to a quarter of an hour', () => {
    const pauses = Array.from({ length: 20 }, (_, failures) => retryPauseMs(failures))
    expect(pauses.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 80_000])
    expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
    expect(pauses.at(-1)).toBe(900_000)
  })

  test('however often a request met a hold or a rate limit, that isn’t what makes it fail', () => {
    expect(decideAfter(outage, 1_000).kind).toBe('hold')
    expect(decideAfter(new RateLimitedError('slow down', 1), 1_000).kind).toBe('again')
  })
})
