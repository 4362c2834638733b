import { sql } from 'kysely'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import { lineKey } from '../runs/line.ts'
import type { RequestState } from '../states.ts'
import { isOwn } from './bound-caller.ts'
import type { OperationDeps } from './operation.ts'
import { type EndedRequest, recordRepeated, repeatRequest } from './repeat-request.ts'

/** Requests of one statement. */
const batch = 500

export interface CancelledRequest {
  readonly id: string
  /** A running one ends a moment later. */
  readonly state: RequestState
  /** It was waiting or running, and its run hasn't ended first. */
  readonly changed: boolean
}

/**
 * Cancels requests as `worker.cancel` does, many in one statement, and each for everyone whose request it has absorbed.
 *
 * @param ids those that the caller may not change, and those that don't exist any more, are left out
 * @returns in the order of `ids`
 */
export async function cancelMany(
  app: OperationDeps,
  ids: readonly string[],
  signal: AbortSignal,
): Promise<readonly CancelledRequest[]> {
  const cancelled: CancelledRequest[] = []
  for (const some of batches(ids)) {
    signal.throwIfAborted()
    // In the order of their ids, like everything that locks many.
    const { rows } = await sql<CancelledRequest>`
      select y.id, y.state, y.was in ('waiting', 'running') and y.state in ('cancelled', 'running') as changed from (
        select x.id, x.was, worker.cancel(x.id) as state from (
          select r.id, s.state as was from worker.requests r join worker.requests s on s.id = worker.successor(r.id)
          where r.id = any(${some}::text[]) and ${isOwn(sql`r.account`, app)} order by s.id) x) y
      order by array_position(${some}::text[], y.id)`.execute(app.deps.store)
    cancelled.push(...rows)
  }
  return cancelled
}

export interface RetriedRequest {
  readonly id: string
  /** The new request, or the waiting one that absorbed it. */
  readonly request: string
  readonly absorbed: boolean
}

/**
 * Makes requests again, those of a line in the order in which they were made. Left out are those that have not ended or were
 * repeated already, runs in the foreground, and those that the caller may not repeat.
 *
 * @returns oldest first
 */
export async function retryMany(
  app: OperationDeps,
  ids: readonly string[],
  {
    signal,
    ...asked
  }: { readonly caller: string; readonly trace?: TraceHeaders | undefined; readonly signal: AbortSignal },
): Promise<readonly RetriedRequest[]> {
  const { deps } = app
  const retried: RetriedRequest[] = []
  for (const some of batches(ids)) {
    signal.throwIfAborted()
    const { rows } = await sql<EndedRequest>`
      select r.id, r.account, r.job, r.payload, r.error_code as "errorCode" from worker.requests r
      where r.id = any(${some}::text[]) and r.state in ('failed', 'cancelled', 'done') and r.reserved_for is null
        and r.superseded_by is null and ${isOwn(sql`r.account`, app)} order by r.seq`.execute(deps.store)
    const made = new Map<string, RetriedRequest>()
    const lines = Map.groupBy(rows, lineKey).values()
    // Those of a line one after the other: equal ranks would leave their order to chance.
    const repeating = lines.map(async ofLine => {
      for (const ended of ofLine) {
        const { id: request, absorbed } = await repeatRequest(deps, ended, asked)
        made.set(ended.id, { id: ended.id, request, absorbed })
      }
    })
    // All of what was made is recorded, also if a line fails meanwhile: the rest is then still to be retried.
    const ends = await Promise.allSettled(repeating)
    await recordRepeated(deps, [...made.values()])
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    retried.push(...rows.flatMap(({ id }) => made.get(id) ?? []))
  }
  return retried
}

function* batches(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += batch) yield ids.slice(at, at + batch)
}
