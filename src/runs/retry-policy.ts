import {
  JobError,
  LeaseLostError,
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  TransientError,
  WorkerError,
} from '../errors.ts'
import type { HoldCause } from '../gate/holds.ts'

/** What becomes of a request whose run ended with an error. */
export type Decision =
  | { readonly kind: 'hold'; readonly cause: HoldCause }
  | { readonly kind: 'again'; readonly delayMs: number; readonly countsAsFailure: boolean }
  | { readonly kind: 'fail' }

/**
 * Runs of one request that may fail for a reason that passes by itself, before the request fails: the pauses add up to a day,
 * so that nothing is given up in a night.
 */
export const maxPassingFailures = 100
/** The same for what nobody foresaw, such as a fault in a job: 21 minutes. */
export const maxUnknownFailures = 8

/** Hasura's words for a role that was taken away while a run was going: the gate would say the same. */
const lateRefusals = new Set(['access-denied', 'jwt-missing-role-claims', 'jwt-invalid-claims'])

/** @param failures of this request before this one */
export function decideAfter(error: unknown, failures: number): Decision {
  if (error instanceof RefusalError || error instanceof OutageError) return { kind: 'hold', cause: error }
  if (error instanceof RateLimitedError) return { kind: 'again', delayMs: error.retryAfterMs, countsAsFailure: false }
  if (error instanceof LeaseLostError) return { kind: 'again', delayMs: 1_000, countsAsFailure: false }
  if (error instanceof PermanentError && lateRefusals.has(error.code)) {
    return { kind: 'hold', cause: new RefusalError('job-roles', 'job', error, { cause: error }) }
  }
  const max = maxFailuresOf(error)
  if (failures + 1 >= max) return { kind: 'fail' }
  return { kind: 'again', delayMs: retryPauseMs(failures), countsAsFailure: true }
}

function maxFailuresOf(error: unknown): number {
  if (error instanceof TransientError) return maxPassingFailures
  return error instanceof WorkerError && !(error instanceof JobError) ? 0 : maxUnknownFailures
}

/** 10 s, 20 s, 40 s … at most 15 minutes. */
export function retryPauseMs(failures: number): number {
  return Math.min(10_000 * 2 ** failures, 900_000)
}
