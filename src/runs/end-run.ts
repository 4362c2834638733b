import { sql } from 'kysely'
import type { ObservedHold } from '../observer/observer.ts'
import { gather } from '../store/gather.ts'
import type { Store } from '../store/store.ts'
import { type BegunRun, begunColumns, type ClaimedRun } from './claim-run.ts'
import type { Ending } from './ending.ts'
import type { Line, LineName } from './line.ts'

/** The run to start on the line in the round trip that ends the previous one. */
export interface NextRun {
  /** Announced as for a claim. */
  readonly id: string
  /** If another line of the account waits, that one goes first. */
  readonly yields: boolean
}

export interface EndedRun {
  /** Lines that may have work. */
  readonly wake: readonly Line[]
  /** The holds that were lifted. */
  readonly lifted: readonly ObservedHold[]
  /** The run that has taken over lease and slot. */
  readonly next: ClaimedRun | undefined
}

type EndRow =
  | ({ readonly kind: 'ended' } & LineName)
  | ({ readonly kind: 'run' } & BegunRun)
  | ({ readonly kind: 'wake' } & Line)
  | { readonly kind: 'lifted'; readonly hold: ObservedHold }

interface WantedEnd extends Ending {
  readonly runId: string
  readonly next: string | undefined
  readonly yields: boolean
}

const end = gather<WantedEnd, EndRow>({
  answers: ends => sql`worker.end_runs(${ends}) as answer`,
  columns: sql`answer.kind, answer.account, answer.job, answer.fence, answer.hold, ${begunColumns}`,
  replacer: storable,
})

/**
 * Records how a run ended, settles its request and frees its line, in one round trip. Calling it again returns the same answer.
 *
 * @param next the run to start on the line in the same round trip, if it has work
 * @returns undefined if the run had lost its lease, so that nothing was written
 */
export async function endRun(
  store: Store,
  runId: string,
  ending: Ending,
  next?: NextRun,
): Promise<EndedRun | undefined> {
  const pauseMs = clampPause(ending.pauseMs)
  const rows = await end(store, { runId, ...ending, pauseMs, next: next?.id, yields: next?.yields ?? false })
  const ended = rows.find(row => row.kind === 'ended')
  if (!ended) return undefined
  const begun = rows.find(row => row.kind === 'run')
  return {
    wake: rows.flatMap(row => (row.kind === 'wake' ? [lineOf(row)] : [])),
    lifted: rows.flatMap(row => (row.kind === 'lifted' ? [row.hold] : [])),
    next: begun && next && { ...begun, lease: { account: ended.account, job: ended.job, runId: next.id } },
  }
}

function lineOf({ account, job, fence }: Line): Line {
  return { account, job, fence }
}

const longestPauseMs = 86_400_000

/** A pause in milliseconds is at most a day, whatever a job or an API asks for. */
export function clampPause(ms: number): number {
  return ms >= 0 ? Math.min(ms, longestPauseMs) : 0
}

/** Foreign text may contain what Postgres can't store in text, NUL and unpaired surrogates. */
function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\u0000', '\ufffd').toWellFormed() : value
}
