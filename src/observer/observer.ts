/** Which run an event belongs to. */
export interface ObservedRun {
  readonly job: string
  readonly account: string
  readonly run: string
}

/** Places where a run, a claim or a ticket was stopped because it came too late, or to the wrong process. */
export type Guard =
  | 'ticket-unserved'
  | 'ticket-refused'
  | `claim-${'gone' | 'busy' | 'reserved' | 'empty' | 'held' | 'full' | 'unknown-process'}`
  | 'end-refused'
  | 'fenced-write'

/**
 * What happens to runs, for whoever counts, times or writes it down: the one seam for logs, metrics and traces. Nothing that is
 * told here holds row data or a secret, and no method throws or is waited for.
 */
export interface Observer {
  /** A process has claimed a run; `probed`: it goes to see whether a hold is over. */
  runClaimed(
    run: ObservedRun,
    how: { readonly request: string; readonly trigger: string; readonly probed: boolean },
  ): void
  /** The gate has let it pass, and its job begins. */
  runBegan(run: ObservedRun, asked: { readonly request: string; readonly trigger: string }): void
  /** Told once for each run that was claimed, with the milliseconds since then. */
  runEnded(run: ObservedRun, how: RunEnd): void
  /** The run has found that its account, or its job alone, has to wait. */
  holdPlaced(run: ObservedRun, hold: { readonly code: string; readonly scope: 'account' | 'job' }): void
  /** The gate lets an account pass that it had held. */
  holdLifted(run: ObservedRun): void
  guardFired(guard: Guard, facts: Partial<ObservedRun> & { readonly error?: unknown }): void
}

export type RunEnd =
  | { readonly state: 'succeeded'; readonly durationMs: number; readonly counts: object | undefined }
  | {
      readonly state: 'failed' | 'refused' | 'interrupted' | 'cancelled'
      readonly durationMs: number
      readonly error: unknown
    }
