import { OutageError, PermanentError, RateLimitedError, type RefusalCode, RefusalError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'

/** A hold, as passed to `worker.place_hold`. */
export interface HoldRecord extends Explanation {
  readonly code: string
  readonly scope: 'account' | 'job'
  readonly metBy: 'gate' | 'run'
  readonly probed: boolean
  /** The pause that the API asked for, which nothing shortens; 0 if none. */
  readonly pauseMs: number
  /** The factor on the usual pauses between probes; 0 if a probe is due as soon as the API's pause ends. */
  readonly weight: number
}

/** Decides whether an error holds requests instead of failing them. */
export type HoldCause = RefusalError | OutageError | RateLimitedError

/**
 * Hasura's refusals of a run that the gate had let pass: a role was revoked meanwhile, or the schema no longer has the operation.
 * They end when the role or its permission is granted again, or when Hasura's metadata is consistent again.
 */
const lateRefusals: ReadonlyMap<string, RefusalCode> = new Map([
  ['access-denied', 'job-roles'],
  ['jwt-missing-role-claims', 'job-roles'],
  ['jwt-invalid-claims', 'job-roles'],
  ['operation-refused', 'contract'],
])

/** Its probe reads all keys of a table, so pauses grow from a minute to an hour. */
const weightOfReadingAll = 12

/** @returns undefined for an error that holds nothing */
export function findHoldCause(error: unknown): HoldCause | undefined {
  if (error instanceof RefusalError || error instanceof OutageError || error instanceof RateLimitedError) return error
  if (!(error instanceof PermanentError)) return undefined
  const code = lateRefusals.get(error.code)
  return code && new RefusalError(code, 'job', error, { cause: error })
}

/** @param met where it occurred, and whether the run was a probe of a hold */
export function holdAfter(cause: HoldCause, { metBy, probed }: Pick<HoldRecord, 'metBy' | 'probed'>): HoldRecord {
  const { code, found, remedy } = cause
  const told = { code, found, remedy, metBy, probed }
  // A pause that the API asks of one process applies to all, and to everything that the account requests from that API.
  if (cause instanceof RateLimitedError) return { ...told, scope: 'account', pauseMs: cause.retryAfterMs, weight: 0 }
  // A refusal may be found on an older token, because the identity provider asks for a pause.
  const asking = cause instanceof RefusalError ? cause.cause : cause
  const pauseMs = asking instanceof OutageError ? (asking.retryAfterMs ?? 0) : 0
  return { ...told, scope: cause.scope, pauseMs, weight: code === 'deletion-guard' ? weightOfReadingAll : 1 }
}
