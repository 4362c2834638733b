import { describe, expect, test } from 'vitest'
import {
  CancelledError,
  CrashError,
  LeaseLostError,
  OutageError,
  PausedError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  TransientError,
  UnknownOutcomeError,
  UsageError,
} from '../../src/errors.ts'
import {
  endAfter,
  endWith,
  maxPassingFailures,
  maxUnknownFailures,
  type RunFacts,
  retryPauseMs,
} from '../../src/runs/ending.ts'

const facts: RunFacts = { failures: 0, probed: false, metBy: 'run', dryRun: false, stopped: undefined }

describe('a run that ends with', () => {
  const refusal = new RefusalError('job-roles', 'job', { found: 'No role', remedy: 'grant it' })
  const outage = new OutageError('network', 'account', 'Down')

  test.each([
    ['a refusal', refusal, { run: 'refused', hold: { scope: 'job', code: 'job-roles', weight: 1, pauseMs: 0 } }],
    ['an outage', outage, { run: 'interrupted', hold: { scope: 'account', code: 'network', weight: 1 } }],
    [
      'an outage for which the other side asks for a pause',
      new OutageError('token-endpoint', 'account', 'Down', { retryAfterMs: 12_000 }),
      { run: 'interrupted', hold: { pauseMs: 12_000 } },
    ],
    [
      'a rate limit',
      new RateLimitedError('Slow down', 7_000),
      { run: 'interrupted', hold: { scope: 'account', code: 'rate-limited', pauseMs: 7_000, weight: 0 } },
    ],
    [
      'a deletion guard, whose probe is expensive',
      new RefusalError('deletion-guard', 'job', 'Too many'),
      { run: 'refused', hold: { weight: 12 } },
    ],
    ['a lost lease', new LeaseLostError('Taken over'), { run: 'interrupted' }],
  ])('%s waits again and uses no attempt', (_name, error, ending) => {
    expect(endAfter(error, { ...facts, failures: 3 })).toMatchObject({
      request: 'waiting',
      failures: 3,
      lifts: false,
      ...ending,
    })
  })

  test.each<[string, Error, true | undefined]>([
    [
      'because its process did nothing for seconds counts as one that its process did not survive',
      new PausedError(5_000),
      true,
    ],
    ['because of an exception that some run may have thrown counts as such too', new CrashError(), true],
    ['because the store did not answer counts as nothing', new LeaseLostError('The store did not answer'), undefined],
    ['because the worker stops counts as nothing', new DOMException('Stopping', 'AbortError'), undefined],
  ])('an abort %s', (_name, stopped, isInterruption) => {
    const ending = endAfter(stopped, { ...facts, stopped })
    expect(ending).toMatchObject({ run: 'interrupted', request: 'waiting', failures: 0 })
    expect(ending.isInterruption).toBe(isInterruption)
  })

  test.each([
    ['a passing failure', new TransientError('timeout', 'Late')],
    ['a fault of the job', new TypeError('undefined is no function')],
  ])('%s waits again after a pause, and counts', (_name, error) => {
    expect(endAfter(error, facts)).toMatchObject({ run: 'failed', request: 'waiting', pauseMs: 10_000, failures: 1 })
  })

  test.each([
    ['a permanent error', new PermanentError('validation-failed', 'No')],
    ['an unknown outcome', new UnknownOutcomeError('Sent')],
    ['a wrong payload', new UsageError('No')],
  ])('%s fails at once', (_name, error) => {
    expect(endAfter(error, facts)).toMatchObject({ run: 'failed', request: 'failed', error: { found: error.message } })
  })

  test.each([
    ['access-denied', 'job-roles'],
    ['jwt-missing-role-claims', 'job-roles'],
    ['jwt-invalid-claims', 'job-roles'],
    ['operation-refused', 'contract'],
  ])('Hasura’s "%s" in the middle: a hold, as the gate would have placed it (%s)', (code, held) => {
    const ending = endAfter(new PermanentError(code, 'Words of Hasura'), facts)
    expect(ending).toMatchObject({
      request: 'waiting',
      hold: { code: held, scope: 'job', found: 'Words of Hasura', metBy: 'run' },
    })
  })

  test('the end of its worker is put back at once; a cancellation ends it, whatever it threw', () => {
    const stopped = new DOMException('The worker is shutting down', 'AbortError')
    expect(endAfter(stopped, { ...facts, stopped })).toMatchObject({
      run: 'interrupted',
      request: 'waiting',
      pauseMs: 0,
    })
    expect(endAfter(outage, { ...facts, stopped: new CancelledError() })).toMatchObject({
      run: 'cancelled',
      request: 'cancelled',
      error: { code: 'cancelled' },
    })
  })

  test.each([
    ['passing failures: a day, so that nothing is given up in a night', new TransientError('timeout', 'Late'), 100, 23],
    ['unexpected failures: not half an hour', new TypeError('undefined is no function'), 8, 0.3],
  ])('%s', (_what, failure, runs, hours) => {
    const endings = Array.from({ length: runs }, (_, failures) => endAfter(failure, { ...facts, failures }))
    expect(endings.map(ending => ending.request)).toEqual([...Array(runs - 1).fill('waiting'), 'failed'])
    const pausesMs = endings.reduce((sum, ending) => sum + ending.pauseMs, 0)
    expect(Math.abs(pausesMs / 3_600_000 - hours)).toBeLessThan(Math.max(1, hours) * 0.1)
    expect(runs).toBe(failure instanceof TransientError ? maxPassingFailures : maxUnknownFailures)
  })

  test('however often a request met a hold or a rate limit, that isn’t what makes it fail', () => {
    for (const error of [outage, new RateLimitedError('Slow down', 1)]) {
      expect(endAfter(error, { ...facts, failures: 1_000 }).request).toBe('waiting')
    }
  })
})

test('the pauses grow, up to a quarter of an hour', () => {
  const pauses = Array.from({ length: 20 }, (_, failures) => retryPauseMs(failures))
  expect(pauses.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 80_000])
  expect(pauses).toEqual(pauses.toSorted((a, b) => a - b))
  expect(pauses.at(-1)).toBe(900_000)
})

describe('a run that comes through', () => {
  test('is done, resets the count of failures and lifts holds', () => {
    expect(endWith({ counts: { read: 3 } }, { ...facts, failures: 5 })).toMatchObject({
      run: 'succeeded',
      request: 'done',
      failures: 0,
      lifts: true,
      counts: { read: 3 },
    })
  })

  test('shows nothing about what comes after it when it only looked', () => {
    expect(endWith({ counts: {} }, { ...facts, dryRun: true })).toMatchObject({ request: 'done', lifts: false })
  })

  test('lifts holds when it wants to be called again too, and keeps the count of failures', () => {
    expect(endWith({ waitMs: 500 }, { ...facts, failures: 2 })).toMatchObject({
      request: 'waiting',
      pauseMs: 500,
      failures: 2,
      lifts: true,
    })
  })
})
