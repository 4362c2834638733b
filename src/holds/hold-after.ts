import {
  type Explanation,
  OutageError,
  PermanentError,
  RateLimitedError,
  type RefusalCode,
  RefusalError,
} from '../errors.ts'

/** A hold as `worker.place_hold` takes it. */
export interface HoldRecord extends Explanation {
  readonly code: string
  readonly scope: 'account' | 'job'
  readonly metBy: 'gate' | 'run'
  readonly probed: boolean
  /** What the API asked for, which nobody shortens; 0 when it asked for nothing. */
  readonly pauseMs: number
  /** How many times the usual pauses a probe is worth; 0 for one that is due as soon as the API's pause is over. */
  readonly weight: number
}

/** What makes requests wait instead of failing. */
export type HoldCause = RefusalError | OutageError | RateLimitedError

/**
 * What Hasura refuses during a run though the gate let it pass: a role that was taken away since, or an operation that its schema no
 * longer has. That passes when the role or its permission is granted again, and when Hasura's metadata is consistent again.
 */
const lateRefusals: ReadonlyMap<string, RefusalCode> = new Map([
  ['access-denied', 'job-roles'],
  ['jwt-missing-role-claims', 'job-roles'],
  ['jwt-invalid-claims', 'job-roles'],
  ['operation-refused', 'contract'],
])

/** The probe of this one reads all keys of a table: from a minute up to an hour. */
const weightOfReadingAll = 12

/** @returns undefined for an error after which nobody waits */
export function findHoldCause(error: unknown): HoldCause | undefined {
  if (error instanceof RefusalError || error instanceof OutageError || error instanceof RateLimitedError) return error
  if (!(error instanceof PermanentError)) return undefined
  const code = lateRefusals.get(error.code)
  return code && new RefusalError(code, 'job', error, { cause: error })
}

/** @param met where it was met, and whether the run had gone to see if a hold is over */
export function holdAfter(cause: HoldCause, { metBy, probed }: Pick<HoldRecord, 'metBy' | 'probed'>): HoldRecord {
  const { code, found, remedy } = cause
  const told = { code, found, remedy, metBy, probed }
  // What one process is told holds for all of them, and for all that the account asks of that API.
  if (cause instanceof RateLimitedError) return { ...told, scope: 'account', pauseMs: cause.retryAfterMs, weight: 0 }
  const pauseMs = cause instanceof OutageError ? (cause.retryAfterMs ?? 0) : 0
  return { ...told, scope: cause.scope, pauseMs, weight: code === 'deletion-guard' ? weightOfReadingAll : 1 }
}
