import { expect, test } from 'vitest'
import { z } from 'zod'
import { explainIssues } from '../../src/failures/explain-issues.ts'
import { parseSafely } from '../../src/failures/parse-safely.ts'

const fails = (message: string) => (): never => {
  throw new RangeError(message)
}

test('a value that fits is parsed', () => {
  expect(parseSafely(z.object({ since: z.coerce.number() }), { since: '7' })).toEqual({
    success: true,
    data: { since: 7 },
  })
})

test.each<[string, z.ZodType, string]>([
  [
    'a transform throws',
    z.object({ all: z.boolean(), since: z.string().transform(fails('canary')) }),
    'since: its schema threw RangeError',
  ],
  [
    'a refinement of the whole throws',
    z.object({ since: z.string() }).refine(fails('canary')),
    'payload: its schema threw RangeError',
  ],
  [
    'the message of an issue throws',
    z.object({ since: z.int({ error: fails('canary') }) }),
    'payload: its schema threw RangeError',
  ],
  [
    'the name of what it throws is data',
    z.unknown().transform(() => {
      throw Object.assign(new Error('canary'), { name: 'canary@example.com' })
    }),
    'payload: its schema threw an error',
  ],
  [
    'it is asynchronous',
    z.object({ since: z.string().refine(async () => true) }),
    'since: its schema is asynchronous, which is not supported',
  ],
])('an issue without the value tells that %s', (_what, schema, told) => {
  const { error } = parseSafely(schema, { all: true, since: 'canary' })
  expect(error && explainIssues(error, 'payload')).toBe(told)
})
