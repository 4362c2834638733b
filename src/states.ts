/** The states of a request, a claim and a run, named as in the store and its functions. */

export const requestStates = ['waiting', 'running', 'done', 'failed', 'cancelled', 'superseded'] as const
export type RequestState = (typeof requestStates)[number]

/** What made the request: only shown in runs. */
export const triggers = ['schedule', 'http', 'hook', 'cli', 'sql', 'job', 'bootstrap', 'retry', 'live'] as const
export type Trigger = (typeof triggers)[number]

/** `high` counts as requested an hour earlier, `low` as an hour later. */
export const priorities = ['high', 'normal', 'low'] as const
export type Priority = (typeof priorities)[number]

/** Why a claim got nothing: see `worker.claim_lines`. */
export type NoClaim = 'gone' | 'busy' | 'locked' | 'reserved' | 'empty' | 'held' | 'full' | 'unknown-process'

export const runStates = ['running', 'succeeded', 'failed', 'refused', 'interrupted', 'cancelled'] as const
export type RunState = (typeof runStates)[number]

/** Numbers of rows, and of the pages that contained them. */
export interface RunCounts {
  readonly read?: number
  readonly inserted?: number
  readonly updated?: number
  readonly unchanged?: number
  /** Rows that were mirrored and no longer exist in the source. */
  readonly deleted?: number
  /** Rows that had been deleted and exist again. */
  readonly revived?: number
  readonly pages?: number
}
