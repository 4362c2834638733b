import { z } from 'zod'
import { UsageError } from '../errors.ts'
import { explainIssues } from '../failures/explain-issues.ts'
import { isStorable } from '../words/storable.ts'

/** The longest name or id that a caller may give, in characters; the worker's own have fewer than 100. */
export const longestName = 255

/** A name or id from a caller, which Postgres can store whatever it is compared with. */
export const nameValue = z
  .string()
  .max(longestName)
  .refine(isStorable, 'it contains a NUL character or an unpaired surrogate, which cannot be part of a name')

/** Which lines are meant: those of a job, of an account, or all. */
export const lineFilter = { job: nameValue.optional(), account: nameValue.optional() }

/** How many elements a list has at most, and unless more or fewer are asked for. */
export const listed = { most: 1000, usual: 20 } as const

/** The maximum length of a list. Over HTTP it comes as text. */
export const limitValue = z.coerce.number<number>().int().min(1).max(listed.most).default(listed.usual)

/**
 * @param what it is: "body", "path", "query"
 * @throws UsageError
 */
export function parseValue<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new UsageError({
    found: `The ${what} is invalid (${explainIssues(parsed.error, what)})`,
    remedy: remedyOfFields(schema, parsed.error),
  })
}

function remedyOfFields(schema: z.ZodType, { issues }: z.ZodError): string | undefined {
  const hasUnknown = issues.some(({ code, path }) => code === 'unrecognized_keys' && path.length === 0)
  const names = hasUnknown && schema instanceof z.ZodObject ? Object.keys(schema.shape) : []
  return names.length > 0 ? `its fields are ${names.join(', ')}` : undefined
}
