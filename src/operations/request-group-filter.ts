import { type RawBuilder, sql } from 'kysely'
import type { RequestState } from '../states.ts'
import { isWanted } from '../store/is-wanted.ts'
import { isOwn } from './bound-caller.ts'
import type { Reading } from './operation.ts'

/** The filter of requests that are cancelled or repeated together. */
export interface RequestGroup {
  readonly states: readonly RequestState[]
  readonly job?: string | undefined
  readonly account?: string | undefined
  /** Excludes foreground runs, which only their command can repeat, and requests that were repeated already. */
  readonly repeatable: boolean
  /** Number of the newest request that is meant. */
  readonly upTo?: string | undefined
  /** Default: all. */
  readonly limit?: number | undefined
}

/** The ids of a group, oldest first. */
export async function findRequestIds(app: Reading, group: RequestGroup): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select q.id from worker.requests q where ${isInGroup(app, group)} order by q.seq limit ${group.limit ?? null}::int`.execute(
    app.deps.store,
  )
  return rows.map(({ id }) => id)
}

/** Whether a row `q` of worker.requests belongs to a group. */
export function isInGroup(
  app: Reading,
  { states, job, account, repeatable, upTo }: Omit<RequestGroup, 'limit'>,
): RawBuilder<boolean> {
  // Literals, so that the partial indexes of these states apply.
  const isInState = states.map(state => sql`q.state = ${sql.lit(state)}`)
  return sql`(${isInState.length === 0 ? sql`false` : sql.join(isInState, sql` or `)})
    and ${isWanted('q.job', job)} and ${isWanted('q.account', account)} and ${isOwn(sql`q.account`, app)}
    and ${repeatable ? sql`q.reserved_for is null and q.superseded_by is null` : sql`true`}
    and ${upTo === undefined ? sql`true` : sql`q.seq <= ${upTo}::bigint`}`
}
