import type { JobResult } from '../definitions/define-job.ts'
import {
  CancelledError,
  CrashError,
  JobError,
  LeaseLostError,
  PausedError,
  RefusalError,
  TransientError,
  WorkerError,
} from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { findHoldCause, type HoldRecord, holdAfter } from '../holds/hold-after.ts'
import { describeError } from '../log.ts'
import type { RunCounts, RunState } from '../states.ts'

/** How a run ended and what happens to its request: what `worker.end_runs` writes in one transaction. */
export interface Ending {
  readonly run: Exclude<RunState, 'running'>
  /** `waiting`: it runs again after `pauseMs`, or when its hold is lifted, or once all `steps` of a bootstrap are done. */
  readonly request: 'done' | 'failed' | 'cancelled' | 'waiting'
  readonly pauseMs: number
  /** The run may be at fault that its process didn't work: consecutive ones pause the request, and fail it in the end. */
  readonly isInterruption?: boolean
  /** Consecutive failures, including this one if it counts. */
  readonly failures: number
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly counts?: RunCounts | undefined
  readonly error?: ErrorRecord
  readonly hold?: HoldRecord
  /** Holds are lifted, because the run succeeded. */
  readonly lifts: boolean
  readonly steps?: readonly string[]
}

export interface ErrorRecord extends Explanation {
  readonly code: string
}

/**
 * How many runs of a request may fail for a transient reason before the request fails. Their pauses add up to a day, so that no
 * request fails overnight.
 */
export const maxPassingFailures = 100
/** The same for unexpected errors, such as a bug in a job: 21 minutes. */
export const maxUnknownFailures = 8

/** What is known about a run that ends. */
export interface RunFacts {
  readonly failures: number
  /** It was a probe of a hold. */
  readonly probed: boolean
  /** Whether the gate let it pass. */
  readonly metBy: 'gate' | 'run'
  readonly dryRun: boolean
  /** Why it was aborted, if it was. */
  readonly stopped: unknown
}

/** A successful run. */
export function endWith(result: JobResult, { failures, dryRun }: Pick<RunFacts, 'failures' | 'dryRun'>): Ending {
  if ('waitMs' in result) {
    // The count of failures goes on: a job that waits before each failure must fail in the end.
    return { run: 'succeeded', request: 'waiting', pauseMs: result.waitMs, failures, lifts: !dryRun }
  }
  if ('steps' in result) {
    return { run: 'succeeded', request: 'waiting', pauseMs: 0, failures: 0, lifts: true, steps: result.steps }
  }
  const { from, to, counts } = result
  // A dry run only reads, so it proves nothing about writing.
  return { run: 'succeeded', request: 'done', pauseMs: 0, failures: 0, from, to, counts, lifts: !dryRun }
}

type Unsuccessful = Ending & { readonly run: Exclude<RunState, 'running' | 'succeeded'> }

/** A run that ended with an error. */
export function endAfter(error: unknown, facts: Omit<RunFacts, 'dryRun'>): Unsuccessful {
  const { failures, stopped } = facts
  const record = recordOf(error)
  const end = (ending: Pick<Unsuccessful, 'run' | 'request'> & Partial<Ending>): Unsuccessful => ({
    pauseMs: 0,
    failures,
    error: record,
    lifts: false,
    ...ending,
  })
  if (stopped instanceof CancelledError)
    return end({ run: 'cancelled', request: 'cancelled', error: recordOf(stopped) })
  if (stopped !== undefined || error instanceof LeaseLostError) {
    const isInterruption = stopped instanceof PausedError || stopped instanceof CrashError
    return end({ run: 'interrupted', request: 'waiting', ...(isInterruption && { isInterruption }) })
  }
  const cause = findHoldCause(error)
  if (cause) {
    const run = cause instanceof RefusalError ? 'refused' : 'interrupted'
    return end({ run, request: 'waiting', hold: holdAfter(cause, facts) })
  }
  if (failures + 1 >= maxFailuresOf(error)) return end({ run: 'failed', request: 'failed', failures: failures + 1 })
  return end({ run: 'failed', request: 'waiting', pauseMs: retryPauseMs(failures), failures: failures + 1 })
}

/** The ending of a run in the foreground. No retry and no hold: the caller gets the error. */
export function inForeground({ hold: _, ...ending }: Ending): Ending {
  if (ending.request !== 'waiting') return ending
  return { ...ending, request: ending.run === 'succeeded' ? 'done' : 'failed' }
}

/** 10 s, 20 s, 40 s …, at most 15 minutes. */
export function retryPauseMs(failures: number): number {
  return Math.min(10_000 * 2 ** failures, 900_000)
}

function recordOf(error: unknown): ErrorRecord {
  if (error instanceof WorkerError) return { code: error.code, found: error.found, remedy: error.remedy }
  const { code, message } = describeError(error)
  return { code, found: message }
}

function maxFailuresOf(error: unknown): number {
  if (error instanceof TransientError) return maxPassingFailures
  return error instanceof WorkerError && !(error instanceof JobError) ? 0 : maxUnknownFailures
}
