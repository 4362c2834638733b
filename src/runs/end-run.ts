import { sql } from 'kysely'
import type { ObservedHold } from '../observer/observer.ts'
import { gather } from '../store/gather.ts'
import type { Store } from '../store/store.ts'
import { asClaimedRun, type BegunRow, type ClaimedRun } from './claim-run.ts'
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
  | ({ readonly kind: 'ended' | 'wake' } & Line)
  | ({ readonly kind: 'run' } & BegunRow)
  | { readonly kind: 'lifted'; readonly hold: ObservedHold }

const end = gather<Record<string, string | number | boolean | readonly string[] | null>, EndRow>({
  given: sql`run uuid, state text, request text, pause_ms float8, failures integer, "from" text, "to" text, counts text, error text,
    hold text, lifts boolean, steps text[], next uuid, yields boolean`,
  call: sql`worker.end_run(given.run, given.state, given.request, given.pause_ms, given.failures, given."from", given."to",
    given.counts::jsonb, given.error::jsonb, given.hold::jsonb, given.lifts, given.steps, given.next, given.yields)`,
  columns: sql`answer.kind, answer.account, answer.job, answer.fence, answer.request_id, answer.payload, answer.trigger, answer.failures, answer.probed,
    answer.issuer, answer.subject, answer.endpoint, answer.first_login,
    answer.trace, answer.absorbed_traces, answer.hold`,
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
  const { run, request, pauseMs, failures, from, to, counts, error, hold, lifts, steps = null } = ending
  const rows = await end(store, {
    run: runId,
    state: run,
    request,
    pause_ms: clampPause(pauseMs),
    failures,
    from: asText(from),
    to: asText(to),
    counts: asJson(counts),
    error: asJson(error),
    hold: asJson(hold),
    lifts,
    steps,
    next: next?.id ?? null,
    yields: next?.yields ?? false,
  })
  if (rows.length === 0) return undefined
  const begun = rows.find(row => row.kind === 'run')
  return {
    wake: rows.flatMap(row => (row.kind === 'wake' ? [lineOf(row)] : [])),
    lifted: rows.flatMap(row => (row.kind === 'lifted' ? [row.hold] : [])),
    next: begun && next ? asClaimedRun(next.id, begun) : undefined,
  }
}

function lineOf({ account, job, fence }: Line): Line {
  return { account, job, fence }
}

/** The longest pause in milliseconds: a day, whatever a job or an API asks for. */
const longestPauseMs = 86_400_000

function clampPause(ms: number): number {
  return ms >= 0 ? Math.min(ms, longestPauseMs) : 0
}

function asText(value: string | undefined): string | null {
  return value === undefined ? null : storable(value)
}

function asJson(value: object | undefined): string | null {
  if (value === undefined) return null
  return JSON.stringify(value, (_key, inner: unknown) => (typeof inner === 'string' ? storable(inner) : inner))
}

/** Foreign text may contain what Postgres can't store in text: NUL and unpaired surrogates. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed()
}
