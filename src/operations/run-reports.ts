import type { Selectable } from 'kysely'
import { z } from 'zod'
import { renderExplanation } from '../errors.ts'
import { runStates } from '../states.ts'
import type { WorkerTables } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

export const runReportSchema = z.object({
  id: z.string(),
  requestId: z.string(),
  job: z.string(),
  account: z.string(),
  trigger: z.string(),
  /** Who made its request, as that says. */
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

export async function listRuns(
  store: Store,
  filter: { readonly job?: string | undefined; readonly limit: number },
): Promise<RunReport[]> {
  let query = store.selectFrom('worker.runs').selectAll().orderBy('seq', 'desc').limit(filter.limit)
  if (filter.job !== undefined) query = query.where('job', '=', filter.job)
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
