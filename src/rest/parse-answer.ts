import type { z } from 'zod'
import { PermanentError } from '../errors.ts'

/**
 * Parses what an API answered.
 *
 * @param name of the request, for the message
 * @throws PermanentError (`response-shape`), which tells where and what kind of mismatch, and no value
 */
export function parseAnswer<T>(schema: z.ZodType<T>, json: unknown, name: string): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const shown = parsed.error.issues.slice(0, 3).map(showIssue)
  const more = parsed.error.issues.length - shown.length
  throw new PermanentError(
    'response-shape',
    `${name} was answered with JSON of another shape: ${shown.join('; ')}${more > 0 ? ` and ${more} more` : ''}. The API has changed, or the schema in the job is wrong`,
  )
}

function showIssue(issue: z.core.$ZodIssue): string {
  // Zod's own messages name keys that it found, and those of a job's refinements may say anything.
  const what = issue.code === 'invalid_type' ? `${issue.expected} expected` : issue.code
  const where = issue.path.map(showKey).join('.')
  return where === '' ? what : `${what} at ${where}`
}

/** A key of a record can be data, such as an address. */
function showKey(key: PropertyKey): string {
  return /^(?:\d{1,9}|[a-z_][a-z_\d]{0,40})$/i.test(String(key)) ? String(key) : '…'
}
