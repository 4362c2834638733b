import { sql } from 'kysely'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'
import { asClaimedRun, type BegunRow, type ClaimedRun } from './claim-run.ts'
import type { Ending } from './ending.ts'
import type { Line } from './line.ts'

export interface EndedRun {
  /** Lines that may have work. */
  readonly wake: readonly Line[]
  /** The run that has taken over lease and slot. */
  readonly next: ClaimedRun | undefined
}

type EndRow = ({ readonly kind: 'ended' | 'wake' } & Line) | ({ readonly kind: 'run' } & BegunRow)

/**
 * Records how a run ended, settles its request and frees its line: one exchange, and the same answer when it is asked again.
 *
 * @param nextRunId of the run that is to begin on the line in the same exchange, if it has work; announced as for a claim
 * @returns undefined when the run had lost its lease, so that nothing was written
 */
export async function endRun(
  store: Store,
  runId: string,
  ending: Ending,
  nextRunId?: string,
): Promise<EndedRun | undefined> {
  const { run, request, pauseMs, failures, from, to, counts, error, hold, lifts, steps = null } = ending
  const { rows } = await sql<EndRow>`${brief}
    select kind, account, job, fence, request_id, payload, trigger, failures, probed, issuer, subject, endpoint, first_login
    from worker.end_run(
      ${runId}, ${run}, ${request}, ${clampPause(pauseMs)}, ${failures}, ${asText(from)}, ${asText(to)}, ${asJson(counts)}::jsonb,
      ${asJson(error)}::jsonb, ${asJson(hold)}::jsonb, ${lifts}, ${steps}::text[], ${nextRunId ?? null})`.execute(store)
  if (rows.length === 0) return undefined
  const begun = rows.find(row => row.kind === 'run')
  return {
    wake: rows.flatMap(row => (row.kind === 'wake' ? [lineOf(row)] : [])),
    next: begun && nextRunId ? asClaimedRun(nextRunId, begun) : undefined,
  }
}

function lineOf({ account, job, fence }: Line): Line {
  return { account, job, fence }
}

/** Milliseconds of the longest pause: a day, whatever a job or an API asks for. */
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

/** The words of a foreign system may hold what no text of Postgres can: NUL, or half a surrogate pair. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed()
}
