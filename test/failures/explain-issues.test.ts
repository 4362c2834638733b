import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { explainIssues, remedyOfPayload } from '../../src/failures/explain-issues.ts'

const schema = z.strictObject({
  backfill: z.union([z.literal('all'), z.strictObject({ from: z.iso.date(), parts: z.array(z.int()) })]).optional(),
  byName: z.record(z.string().max(3), z.int()).optional(),
  full: z.boolean().optional(),
})

test.each<[string, unknown, RegExp]>([
  ['the payload itself', [], /^payload: .*expected object/],
  ['a key that is not known', { ful: true }, /^payload: .*"ful"/],
  ['a value', { full: 1 }, /^full: .*expected boolean/],
  [
    'a value deep in one of several alternatives',
    { backfill: { from: '2026-01-01', parts: [1, 'x'] } },
    /parts\.1: |^backfill: .*"all"/,
  ],
  ['a key of a record', { byName: { toolong: 1 } }, /^byName\.toolong: .*<=3 characters/],
  ['several', { full: 1, byName: { a: 'x' } }, /^byName\.a: .*; full: /],
])('says where: %s', (_what, value, sentence) => {
  const { error } = schema.safeParse(value)
  expect(error && explainIssues(error, 'payload')).toMatch(sentence)
})

describe('the remedy of a payload', () => {
  const remedy = (schema: z.ZodType, payload: unknown) => {
    const { error } = schema.safeParse(payload)
    return error && remedyOfPayload(payload, error)
  }

  test('names the schema that wants a date, which JSON has not', () => {
    expect(remedy(z.object({ at: z.date() }), { at: '2026-01-01' })).toContain(
      "use z.coerce.date() or z.iso.datetime() in the job's schema",
    )
  })

  test('is none if the date itself is not valid', () => {
    expect(remedy(z.object({ at: z.coerce.date() }), { at: 'tomorrow' })).toBeUndefined()
    expect(remedy(z.object({ at: z.iso.datetime() }), { at: 'tomorrow' })).toBeUndefined()
  })

  test('names a text that holds JSON', () => {
    expect(remedy(z.object({}), '{}')).toContain('encoded twice')
  })
})
