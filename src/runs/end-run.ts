import { sql } from 'kysely'
import { clampPause } from '../errors.ts'
import type { ObservedHold } from '../observer/observer.ts'
import { gather } from '../store/gather.ts'
import type { Store } from '../store/store.ts'
import type { ClaimedRun, RunRow } from './claim-run.ts'
import type { Ending } from './ending.ts'
import type { Line } from './line.ts'

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
  | { readonly kind: 'run'; readonly probed: boolean; readonly answer: RunRow }
  | { readonly kind: 'ended' }
  | { readonly kind: 'wake'; readonly answer: Line }
  | { readonly kind: 'lifted'; readonly answer: ObservedHold }

interface WantedEnd extends Ending {
  readonly runId: string
  readonly next: string | undefined
  readonly yields: boolean
}

const end = gather<WantedEnd, EndRow>({
  answers: ends => sql`worker.end_runs(${ends}) as answer`,
  columns: sql`answer.kind, answer.probed, answer.answer`,
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
  if (rows.length === 0) return undefined
  const begun = rows.find(row => row.kind === 'run')
  return {
    wake: rows.flatMap(row => (row.kind === 'wake' ? [row.answer] : [])),
    lifted: rows.flatMap(row => (row.kind === 'lifted' ? [row.answer] : [])),
    next: begun && { ...begun.answer, probed: begun.probed },
  }
}

/** Foreign text may contain what Postgres can't store in text, NUL and unpaired surrogates. */
function storable(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? value.replaceAll('\u0000', '\ufffd').toWellFormed() : value
}
