import { type Selectable, sql } from 'kysely'
import { z } from 'zod'
import { renderExplanation } from '../explanation.ts'
import { type RunState, runStates } from '../states.ts'
import type { WorkerTables } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { isOwn } from './bound-caller.ts'
import type { OperationDeps } from './operation.ts'
import { parsePlace } from './pages.ts'

export const runReportSchema = z.object({
  id: z.string(),
  /** Its number in the order of starts. */
  seq: z.string(),
  requestId: z.string(),
  job: z.string(),
  account: z.string(),
  trigger: z.string(),
  /** Who made its request; see `caller` of a request. */
  caller: z.string().optional(),
  attempt: z.int(),
  state: z.enum(runStates),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  from: z.string().nullable(),
  to: z.string().nullable(),
  counts: z.record(z.string(), z.number()).nullable(),
  error: z.object({ code: z.string(), message: z.string() }).nullable(),
})
export type RunReport = z.infer<typeof runReportSchema>

export interface RunFilter {
  readonly job?: string | undefined
  readonly account?: string | undefined
  readonly state?: RunState | undefined
  /** Only runs that started before the one with this number. */
  readonly after?: string | undefined
  readonly limit: number
}

/** Newest first. */
export async function listRuns(
  app: Pick<OperationDeps, 'deps' | 'only'>,
  { job, account, state, after, limit }: RunFilter,
): Promise<RunReport[]> {
  let query = app.deps.store
    .selectFrom('worker.runs')
    .selectAll()
    .where(isOwn(sql.ref('account'), app))
    .orderBy('seq', 'desc')
    .limit(limit)
  if (job !== undefined) query = query.where('job', '=', job)
  if (account !== undefined) query = query.where('account', '=', account)
  if (state !== undefined) query = query.where('state', '=', state)
  if (after !== undefined) query = query.where('seq', '<', parsePlace(after))
  return (await query.execute()).map(describeRun)
}

export async function listRunsOfRequest(store: Store, requestId: string): Promise<RunReport[]> {
  const rows = await store
    .selectFrom('worker.runs')
    .selectAll()
    .where('request_id', '=', requestId)
    .orderBy('seq', 'desc')
    .limit(20)
    .execute()
  return rows.map(describeRun)
}

function describeRun(row: Selectable<WorkerTables['worker.runs']>): RunReport {
  return {
    id: row.id,
    seq: row.seq,
    requestId: row.request_id,
    job: row.job,
    account: row.account,
    trigger: row.trigger,
    ...(row.caller !== null && { caller: row.caller }),
    attempt: row.attempt,
    state: row.state,
    startedAt: row.started_at.toISOString(),
    finishedAt: row.finished_at?.toISOString() ?? null,
    from: row.from_position,
    to: row.to_position,
    counts: row.counts && { ...row.counts },
    error:
      row.error_code === null
        ? null
        : {
            code: row.error_code,
            message: renderExplanation({ found: row.error_found ?? '', remedy: row.error_remedy ?? undefined }),
          },
  }
}
