import { z } from 'zod'
import { HasuraError } from './hasura-error.ts'

const postgresError = z.object({ code: z.string().length(5), message: z.string() })

/** Hasura's error for a Postgres error: by its SQLSTATE, and hidden unless the request caused it. */
export function fromDatabaseError(error: unknown, path = '$'): HasuraError {
  if (error instanceof HasuraError) return error
  const parsed = postgresError.safeParse(error)
  if (!parsed.success) throw error
  const { code, message } = parsed.data
  const constraint = constraintViolations[code]
  if (constraint !== undefined) return new HasuraError(constraint.code, constraint.prefix + message, path)
  if (code.startsWith('23')) return new HasuraError('constraint-violation', message, path)
  if (code === '22025') return new HasuraError('bad-request', message, path)
  if (code.startsWith('22')) return new HasuraError('data-exception', message, path)
  if (code === '42704') return new HasuraError('constraint-error', message, path)
  if (code === '42P10') {
    return new HasuraError('constraint-error', 'there is no unique or exclusion constraint on target column(s)', path)
  }
  const hidden = new HasuraError('unexpected', 'database query error', path)
  hidden.cause = error
  return hidden
}

const violation = (prefix: string, code = 'constraint-violation') => ({ prefix, code })
const constraintViolations: Readonly<Record<string, { prefix: string; code: string }>> = {
  '23001': violation('Can not delete or update due to data being referred. '),
  '23502': violation('Not-NULL violation. '),
  '23503': violation('Foreign key violation. '),
  '23505': violation('Uniqueness violation. '),
  '23514': violation('Check constraint violation. ', 'permission-error'),
  '23P01': violation('Exclusion violation. '),
}
