import { sql } from 'kysely'
import { isOwn } from './bound-caller.ts'
import type { OperationDeps } from './operation.ts'
import { type EndedRequest, repeatRequest } from './repeat-request.ts'

/** Requests of one statement, and of those that are accepted at a time. */
const batch = 500

/**
 * Cancels requests as `cancelRequest` does, many in one statement.
 *
 * @param ids of requests that the caller may change; those of others are left out
 * @returns how many were waiting or running
 */
export async function cancelMany(app: OperationDeps, ids: readonly string[], signal: AbortSignal): Promise<number> {
  let cancelled = 0
  for (const some of batches(ids)) {
    signal.throwIfAborted()
    // In the order of their ids, as all who lock many.
    const { rows } = await sql<{ state: string | null }>`
      select worker.cancel(x.id) as state from (
        select r.id from worker.requests r where r.id = any(${some}::text[]) and r.state in ('waiting', 'running')
          and ${isOwn(sql`r.account`, app)} order by r.id) x`.execute(app.deps.store)
    cancelled += rows.filter(({ state }) => state === 'cancelled' || state === 'running').length
  }
  return cancelled
}

/**
 * Makes requests again as `retryRequest` does. Those that have not ended, runs in the foreground, and those that a retry has
 * been made for meanwhile are left out.
 *
 * @returns how many were made, those that an equal waiting request absorbed among them
 */
export async function retryMany(
  app: OperationDeps,
  ids: readonly string[],
  { caller, signal }: { readonly caller: string; readonly signal: AbortSignal },
): Promise<number> {
  const { deps } = app
  let made = 0
  for (const some of batches(ids)) {
    signal.throwIfAborted()
    const { rows } = await sql<EndedRequest>`
      select r.account, r.job, r.payload from worker.requests r
      where r.id = any(${some}::text[]) and r.state in ('failed', 'cancelled', 'done') and r.reserved_for is null
        and ${isOwn(sql`r.account`, app)} order by r.seq`.execute(deps.store)
    await Promise.all(rows.map(ended => repeatRequest(deps, ended, { caller })))
    made += rows.length
  }
  return made
}

function* batches(ids: readonly string[]): Generator<readonly string[]> {
  for (let at = 0; at < ids.length; at += batch) yield ids.slice(at, at + batch)
}
