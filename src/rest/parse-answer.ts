import type { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { showIssues } from '../failures/show-issues.ts'

/**
 * Parses the JSON of an API's response.
 *
 * @param name of the request, for the message
 * @throws PermanentError (`response-shape`) with the path and kind of each mismatch, but no values
 * @example
 * import { parseAnswer } from 'hasura-sync-worker'
 * import { z } from 'zod'
 *
 * export const readTotal = (json: unknown) => parseAnswer(z.object({ total: z.int() }), json, 'orders').total
 */
export function parseAnswer<T>(schema: z.ZodType<T>, json: unknown, name: string): T {
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  if (json === undefined) {
    throw new PermanentError('response-shape', {
      found: `${name} was answered without content`,
      remedy: 'if that is correct, make the schema in the job optional',
    })
  }
  throw new PermanentError('response-shape', {
    found: `${name} was answered with JSON of an unexpected shape (${showIssues(parsed.error)})`,
    remedy: 'either the API has changed, or the schema in the job is wrong',
  })
}
