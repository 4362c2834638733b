import { type RawBuilder, sql } from 'kysely'
import type { RequestState } from '../../states.ts'
import { is, onlyRow, own, type Reading } from './reading.ts'

/** Requests, by what is in the address of their page. */
export interface RequestFilter {
  readonly account?: string | undefined
  readonly job?: string | undefined
  readonly state?: RequestState | undefined
}

/** More are counted as "more than". */
export const mostCounted = 100_000

export interface RequestCount {
  /** Up to `mostCounted`. */
  readonly total: number
  /** The place of the newest: what is made later isn't among them. */
  readonly newest: string | null
}

export async function countRequests(
  reading: Reading,
  filter: RequestFilter,
  states: readonly RequestState[],
  upTo?: string,
): Promise<RequestCount> {
  const { rows } = await sql<RequestCount>`
    select count(*)::int as total, max(seq)::text as newest from (
      select q.seq from worker.requests q where ${isMeant(reading, filter, states, upTo)} limit ${mostCounted}) found`.execute(
    reading.deps.store,
  )
  return onlyRow(rows)
}

/** Their ids, the oldest first. */
export async function findIds(
  reading: Reading,
  filter: RequestFilter,
  states: readonly RequestState[],
  upTo: string,
): Promise<readonly string[]> {
  const { rows } = await sql<{ id: string }>`
    select q.id from worker.requests q where ${isMeant(reading, filter, states, upTo)} order by q.seq limit ${mostCounted}`.execute(
    reading.deps.store,
  )
  return rows.map(({ id }) => id)
}

/** Runs in the foreground are left out, which only their command can make. */
function isMeant(
  reading: Reading,
  { account, job }: RequestFilter,
  states: readonly RequestState[],
  upTo: string | undefined,
): RawBuilder<unknown> {
  // Written out, so that the partial indexes of these states serve it.
  const isInState = sql.join(
    states.map(state => sql`q.state = ${sql.lit(state)}`),
    sql` or `,
  )
  return sql`(${isInState}) and q.reserved_for is null and ${is('q.account', account)} and ${is('q.job', job)}
    and ${own(reading, 'q.account')} and ${upTo === undefined ? sql`true` : sql`q.seq <= ${upTo}::bigint`}`
}

/** @returns its payload as Postgres writes it, for those who may see it */
export async function findPayload(reading: Reading, id: string): Promise<string | undefined> {
  const { rows } = await sql<{ payload: string }>`
    select jsonb_pretty(payload) as payload from worker.requests where id = ${id} and ${own(reading)}`.execute(
    reading.deps.store,
  )
  return rows[0]?.payload
}
