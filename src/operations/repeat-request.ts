import { sql } from 'kysely'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import { requestRun } from '../runs/requests.ts'
import type { RunDeps } from '../runs/run-deps.ts'

export interface EndedRequest {
  readonly id: string
  readonly account: string
  readonly job: string
  readonly payload: unknown
  readonly errorCode: string | null
}

/** Makes a request again, with the payload that its job gives to a retry. */
export function repeatRequest(
  deps: RunDeps,
  { account, job, payload: before, errorCode }: EndedRequest,
  { caller, trace }: { readonly caller: string; readonly trace?: TraceHeaders | undefined },
): ReturnType<typeof requestRun> {
  const payload = deps.jobs.get(job)?.payloadOfRetry?.(before, errorCode ?? undefined) ?? before
  return requestRun(deps, { account, job, payload, trigger: 'retry', caller, trace })
}

/**
 * Records which requests repeat others. Whoever repeats all that failed, and does so again later, must not repeat what has succeeded
 * meanwhile.
 */
export async function recordRepeated(
  { store }: Pick<RunDeps, 'store'>,
  repeated: readonly { readonly id: string; readonly request: string }[],
): Promise<void> {
  // In the order of their ids, like everything that locks many.
  await sql`
    with given as (select * from jsonb_to_recordset(${JSON.stringify(repeated)}::jsonb) as given(id text, request text)),
      locked as materialized (
        select r.id from worker.requests r where r.id in (select id from given) order by r.id for update)
    update worker.requests r set superseded_by = given.request
    from given join locked using (id) where r.id = given.id`.execute(store)
}
