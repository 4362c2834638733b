import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { JobResult } from '../../src/definitions/define-job.ts'
import { PermanentError } from '../../src/errors.ts'
import { readResult } from '../../src/execution/read-result.ts'

/** As a job returns it whose types nobody has checked. */
const unchecked = z.custom<JobResult>()

const read = (returned: unknown) =>
  readResult(unchecked.parse(returned), {
    job: 'nightly',
    account: 'north',
    accountJobs: new Set(['nightly', 'sync-users']),
  })

describe('the result of a job', () => {
  test.each([
    {},
    { from: 'a', to: undefined, counts: { read: 3, updated: undefined, sent: 1 } },
    { counts: { read: -5 } },
    { steps: ['sync-users'] },
    { steps: [] },
    { counts: undefined, told: 5n },
  ])('is kept as it is (%#)', result => {
    expect(read(result)).toBe(result)
  })

  test.each([-5, 0, 0.2, 999])('with a pause of %d ms has one of a second', waitMs => {
    expect(read({ waitMs })).toEqual({ waitMs: 1_000 })
  })

  test('keeps longer pauses', () => {
    expect(read({ waitMs: 60_000.5 })).toEqual({ waitMs: 60_000.5 })
  })

  test('is empty if it returned nothing', () => {
    expect(read(undefined)).toEqual({})
  })

  const circular: Record<string, unknown> = {}
  circular.read = circular

  test.each<[unknown, string]>([
    [null, 'object expected'],
    ['done', 'object expected'],
    [[], 'object expected'],
    [{ counts: { updated: 5n } }, 'number expected at counts.updated'],
    [{ counts: { read: Number.NaN } }, 'number expected at counts.read'],
    [{ counts: circular }, 'number expected at counts.read'],
    [{ counts: { 'canary@example.com': 'canary' } }, 'number expected at counts.…'],
    [{ to: new Date() }, 'string expected at to'],
    [{ waitMs: Number.NaN }, 'number expected at waitMs'],
    [{ waitMs: Number.POSITIVE_INFINITY }, 'number expected at waitMs'],
    [{ waitMs: undefined }, 'number expected at waitMs'],
    [{ steps: 'sync-users' }, 'array expected at steps'],
    [{ steps: [{ name: 'sync-users' }] }, 'string expected at steps.0'],
  ])('is refused with its place and no value (%#)', (result, where) => {
    const refused = () => read(result)
    expect(refused).toThrow(PermanentError)
    expect(refused).toThrow(`What nightly returned is not the result of a job (${where}): return `)
  })

  test('has only steps that are jobs of the account', () => {
    expect(() => read({ steps: ['sync-users', 'sync-user'] })).toThrow(
      'Step "sync-user" of nightly is not a job of account "north": did you mean sync-users?',
    )
    expect(() => read({ steps: ['rebuild'] })).toThrow(
      'Step "rebuild" of nightly is not a job of account "north": the jobs are nightly, sync-users',
    )
  })
})
