import { expect, test } from 'vitest'
import { z } from 'zod'
import { addFlags, requireKnown } from '../../src/cli/payload-flags.ts'
import { propertiesOf } from '../../src/definitions/payload-properties.ts'
import { pullPayload } from '../../src/pull/pull-settings.ts'

const none = { full: false, allowDeletions: false }

test.each<[string, unknown, object, unknown]>([
  ['no flag leaves an absent payload absent', undefined, {}, undefined],
  ['no flag leaves a payload as it is, whatever it is', [1], {}, [1]],
  ['a flag is a property', undefined, { full: true }, { full: true }],
  ['a flag joins what was given', { sweep: true }, { allowDeletions: true }, { sweep: true, allowDeletions: true }],
  ['a flag wins over the payload', { full: false }, { full: true }, { full: true }],
])('%s', (_, payload, flags, expected) => {
  expect(addFlags(payload, { ...none, ...flags })).toEqual(expected)
})

test.each([[null], [[1]], ['full'], [1]])(
  'a flag is refused beside the payload %j, which has no properties',
  payload => {
    expect(() => addFlags(payload, { full: true, allowDeletions: true })).toThrow(
      "The payload is not an object, so --full and --allow-deletions can't be added to it: give --payload a JSON object",
    )
  },
)

const schemas = {
  'a pull': pullPayload,
  'a loose object': z.looseObject({ id: z.string() }),
  'an object that drops what it does not know': z.object({ full: z.boolean() }),
  'one of several': z.union([z.object({ full: z.boolean() }), z.object({ id: z.string() })]),
  'what is read otherwise': z.object({ full: z.string() }).transform(({ full }) => ({ all: full })),
  'a date': z.object({ since: z.date() }),
  'two schemas of one id': z.object({ a: z.string().meta({ id: 'twin' }), b: z.number().meta({ id: 'twin' }) }),
  'a default that throws': z.object({
    at: z.string().default(() => {
      throw new Error('no clock')
    }),
  }),
  anything: z.unknown(),
  custom: z.custom<string>(),
} as const

test.each<[keyof typeof schemas, readonly string[]]>([
  ['a pull', ['full', 'sweep', 'rung', 'allowDeletions', 'backfill', 'keys']],
  ['a loose object', ['id']],
  ['an object that drops what it does not know', ['full']],
  ['one of several', ['full', 'id']],
  ['what is read otherwise', ['full']],
  ['a date', ['since']],
  ['two schemas of one id', []],
  ['a default that throws', []],
  ['anything', []],
  ['custom', []],
])('the properties of %s are those that a caller gives', (name, expected) => {
  expect(propertiesOf(schemas[name])).toEqual(expected)
})

test.each<[keyof typeof schemas, object, string | undefined]>([
  ['a pull', { full: true, allowDeletions: true }, undefined],
  ['a loose object', { full: true }, 'The payload of job has no property for --full: leave it out'],
  ['an object that drops what it does not know', { full: true }, undefined],
  [
    'an object that drops what it does not know',
    { allowDeletions: true },
    'The payload of job has no property for --allow-deletions',
  ],
  [
    'anything',
    { full: true, allowDeletions: true },
    'The payload of job has no property for --full and --allow-deletions',
  ],
  ['anything', {}, undefined],
])('%s with %j', async (name, flags, refusal) => {
  const job = { name: 'job', requirement: null, schedule: null, into: null, problem: null }
  const now = { state: 'idle', nextDueAt: null, lastRun: null } as const
  const operations = { listJobs: () => Promise.resolve([{ ...job, ...now, takes: propertiesOf(schemas[name]) }]) }
  const asked = requireKnown(operations, 'job', { ...none, ...flags })
  await (refusal ? expect(asked).rejects.toThrow(refusal) : expect(asked).resolves.toBeUndefined())
})

test('a job that does not exist is left to the process that runs it', async () => {
  await requireKnown({ listJobs: () => Promise.resolve([]) }, 'typo', { full: true, allowDeletions: false })
})
