import { z } from 'zod'
import { UsageError } from '../errors.ts'
import { explainIssues } from '../failures/explain-issues.ts'
import { isStorable } from '../words/storable.ts'

/** Characters of the longest name or id that a caller may give; ours have fewer than 100. */
export const longestName = 255

/** A name or an id that a caller gives: whatever it is compared with, Postgres can take it. */
export const nameValue = z
  .string()
  .max(longestName)
  .refine(isStorable, 'it holds a NUL character or half a surrogate pair, which nothing here has in its name')

/** Which lines are meant: those of a job, of an account, or all. */
export const lineFilter = { job: nameValue.optional(), account: nameValue.optional() }

/** How many a list has at most. Over HTTP it comes as text. */
export const limitValue = z.coerce.number<number>().int().min(1).max(1000).default(20)

/**
 * @param what it is: "body", "path", "query"
 * @throws UsageError
 */
export function parseValue<Schema extends z.ZodType>(schema: Schema, value: unknown, what: string): z.output<Schema> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new UsageError(`The ${what} is not what is needed (${explainIssues(parsed.error, what)})`)
}
