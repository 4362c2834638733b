import { z } from 'zod'
import { PermanentError } from '../errors.ts'

/** Of `on delete restrict`, Postgres 18 says 23001. The table is the one that refers; those of the worker are deleted in an order that needs no explanation. */
const reference = z.object({
  code: z.enum(['23503', '23001']),
  constraint: z.string(),
  schema: z.string().refine(schema => schema !== 'worker'),
  table: z.string(),
})

/** Explains an error from deleting rows to which somebody else's table refers. Undefined for any other error. */
export function explainReference(error: unknown): PermanentError | undefined {
  const { data } = reference.safeParse(error)
  if (!data) return undefined
  const found = `The foreign key "${data.constraint}" of ${data.schema}.${data.table} keeps rows of the worker from being deleted (SQLSTATE ${data.code})`
  const remedy = 'drop it, or create it again with on delete set null or cascade'
  return new PermanentError(data.code, { found, remedy }, { cause: error })
}
