import { sql } from 'kysely'
import type { JobResult } from '../jobs/define-job.ts'
import { describeError } from '../log.ts'
import { deduplicationId, type RequestData } from '../queue/request.ts'
import type { RunState } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import type { Lease } from './lease.ts'

export interface RunStart {
  readonly requestId: string
  readonly trigger: string
  readonly attempt: number
  readonly payload: unknown
}

/** Records that a run has begun; one that had returned to wait goes on under its number. */
export async function startRun(
  store: Store,
  lease: Lease,
  start: RunStart,
): Promise<{ readonly id: string; readonly reopened: boolean }> {
  const { account, job, processId, fence } = lease
  const reopened = await store
    .updateTable('worker.runs')
    .set({ state: 'running', process: processId, fence, finished_at: null })
    .where('request_id', '=', start.requestId)
    .where('state', '=', 'waiting')
    .returning('id')
    .executeTakeFirst()
  const run =
    reopened ??
    (await store
      .insertInto('worker.runs')
      .values({
        request_id: start.requestId,
        account,
        job,
        deduplication_id: deduplicationId({ account, job, payload: start.payload }),
        trigger: start.trigger,
        attempt: start.attempt,
        process: processId,
        fence,
      })
      .returning('id')
      .executeTakeFirstOrThrow())
  return { id: run.id, reopened: reopened !== undefined }
}

/** A run that was superseded, or taken up again by another process, is no longer this one's to close. */
function openRun(store: Store, lease: Lease, runId: string) {
  return store
    .updateTable('worker.runs')
    .where('id', '=', runId)
    .where('state', '=', 'running')
    .where('fence', '=', lease.fence)
}

export async function finishRun(
  store: Store,
  lease: Lease,
  runId: string,
  result: Exclude<JobResult, { waitMs: number }>,
): Promise<void> {
  await openRun(store, lease, runId)
    .set({
      state: 'succeeded',
      finished_at: sql<Date>`now()`,
      from_position: result.from ?? null,
      to_position: result.to ?? null,
      counts: result.counts ? JSON.stringify(result.counts) : null,
    })
    .execute()
}

export async function suspendRun(store: Store, lease: Lease, runId: string): Promise<void> {
  await openRun(store, lease, runId).set({ state: 'waiting' }).execute()
}

/** Records why a run ended otherwise; one that another process has already closed keeps what that one wrote. */
export async function breakOffRun(
  store: Store,
  lease: Lease,
  runId: string,
  state: Extract<RunState, 'failed' | 'refused' | 'interrupted'>,
  error: unknown,
): Promise<void> {
  const { code, message } = describeError(error)
  await openRun(store, lease, runId)
    .set({ state, finished_at: sql<Date>`now()`, error_code: code, error_message: message })
    .execute()
}

/** A run that waits for steps of its own isn't taken up again when its request follows an equal one. */
export async function abandonRun(store: Store, requestId: string, twin: string): Promise<void> {
  await store
    .updateTable('worker.runs')
    .set({
      state: 'interrupted',
      finished_at: sql<Date>`now()`,
      error_code: 'followed',
      error_message: `An equal request was made meanwhile and does the same work: ${twin}.`,
    })
    .where('request_id', '=', requestId)
    .where('state', '=', 'waiting')
    .execute()
}

/**
 * Of the equal requests that have had a run, the one whose run began last; undefined when that is this one, or when this one
 * never had any.
 */
export async function findLaterTwin(
  store: Store,
  request: RequestData & { readonly id: string },
): Promise<string | undefined> {
  const latest = await store
    .selectFrom('worker.runs')
    .select('request_id')
    .where('deduplication_id', '=', deduplicationId(request))
    .where(({ exists, selectFrom }) =>
      exists(selectFrom('worker.runs as own').select('own.id').where('own.request_id', '=', request.id)),
    )
    .orderBy('id', 'desc')
    .limit(1)
    .executeTakeFirst()
  return latest?.request_id === request.id ? undefined : latest?.request_id
}
