import { z } from 'zod'
import { UsageError } from '../errors.ts'
import { explainIssues } from '../failures/explain-issues.ts'
import { isStorable } from './strict-json.ts'

/** Characters of the longest name or id that a request may hold; ours have fewer than 100. */
export const longestName = 255

/** A name or an id that a caller gives: whatever it is compared with, Postgres can take it. */
export const nameValue = z
  .string()
  .max(longestName)
  .refine(isStorable, 'it holds a NUL character or half a surrogate pair, which nothing here has in its name')

export const namedPath = z.object({ name: nameValue })
export const identifiedPath = z.object({ id: nameValue })

/**
 * @param what of a request it is: "body", "path", "query"
 * @throws UsageError
 */
export function parseValue<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new UsageError(`The ${what} is not what is needed (${explainIssues(parsed.error, what)})`)
}
