/** What a request, a claim and a run may be, in the words of the store and its functions. */

export const requestStates = ['waiting', 'running', 'done', 'failed', 'cancelled', 'superseded'] as const
export type RequestState = (typeof requestStates)[number]

/** What made the request: shown in runs, and nothing depends on it. */
export const triggers = ['schedule', 'http', 'hook', 'cli', 'sql', 'job', 'bootstrap', 'retry', 'live'] as const
export type Trigger = (typeof triggers)[number]

/** `high` goes an hour ahead of what was asked for before, `low` an hour behind. */
export const priorities = ['high', 'normal', 'low'] as const
export type Priority = (typeof priorities)[number]

/** Why a claim got nothing: see `worker.claim`. */
export type NoClaim = 'gone' | 'busy' | 'reserved' | 'empty' | 'held' | 'full' | 'unknown-process'

export const runStates = ['running', 'succeeded', 'failed', 'refused', 'interrupted', 'cancelled'] as const
export type RunState = (typeof runStates)[number]

/** Rows, and the pages that brought them. */
export interface RunCounts {
  readonly read?: number
  readonly inserted?: number
  readonly updated?: number
  readonly unchanged?: number
  /** Rows that were there before and were found to be gone. */
  readonly deleted?: number
  /** Rows that had been deleted and are there again. */
  readonly revived?: number
  readonly pages?: number
}
