import { STATUS_CODES } from 'node:http'
import { z } from 'zod'
import {
  ConflictError,
  InProgressError,
  NotFoundError,
  PositionError,
  TransientError,
  UsageError,
  WorkerError,
} from './errors.ts'
import { type Told, toExplanation } from './explanation.ts'

export const problemType = 'application/problem+json'
/** The code of a response to a request that arrives while the process stops. */
export const stoppingCode = 'stopping'

/** Problem details (RFC 9457) with two more members: `code` names the check that failed, `remedy` says what to do. */
export const problemSchema = z.object({
  type: z.string(),
  /** The name of the status. */
  title: z.string(),
  status: z.int(),
  /** What was found. */
  detail: z.string(),
  code: z.string(),
  remedy: z.string().optional(),
})
export type Problem = z.infer<typeof problemSchema>

/** The only place where an error becomes an HTTP response. */
export function toProblem(status: number, code: string, told: Told): Problem {
  const { found, remedy } = toExplanation(told)
  return {
    type: `urn:problem-type:hasura-sync-worker:${code}`,
    title: STATUS_CODES[status] ?? 'Error',
    status,
    detail: found,
    code,
    ...(remedy !== undefined && { remedy }),
  }
}

/** Shows the message of our own errors, and of Fastify's refusals, which contain nothing of the body; of other errors nothing. */
export function problemOf(error: unknown): Problem {
  const status = statusOf(error)
  if (error instanceof WorkerError && (status < 500 || error instanceof TransientError)) {
    return toProblem(status, error.code, error)
  }
  const { data: refusal } = refusalSchema.safeParse(error)
  if (refusal) return toProblem(refusal.statusCode, 'usage', refusal.message)
  return toProblem(status, 'unexpected', { found: 'An unexpected error occurred', remedy: "see the worker's log" })
}

function statusOf(error: unknown): number {
  if (error instanceof UsageError) return 400
  if (error instanceof NotFoundError) return 404
  if (error instanceof PositionError) return 410
  if (error instanceof ConflictError) return 422
  if (error instanceof InProgressError) return 409
  if (error instanceof TransientError) return 503
  return refusalSchema.safeParse(error).data?.statusCode ?? 500
}

/** Fastify's refusals; not all are errors to `Error.isError`, because some are made without `Error`. */
const refusalSchema = z.object({ statusCode: z.int().min(400).max(499), message: z.string() })
