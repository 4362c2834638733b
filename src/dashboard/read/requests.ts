import { sql } from 'kysely'
import type { Reading } from '../../operations/operation.ts'
import { isInGroup, type RequestGroup } from '../../operations/request-group-filter.ts'
import { onlyRow, own } from './reading.ts'

/** More are counted as "more than". */
export const mostCounted = 100_000

export interface RequestCount {
  /** Up to `mostCounted`. */
  readonly total: number
  /** The place of the newest one: later requests are excluded. */
  readonly newest: string | null
}

export async function countRequests(reading: Reading, group: RequestGroup): Promise<RequestCount> {
  const { rows } = await sql<RequestCount>`
    select count(*)::int as total, max(seq)::text as newest from (
      select q.seq from worker.requests q where ${isInGroup(reading, group)} limit ${mostCounted}) found`.execute(
    reading.deps.store,
  )
  return onlyRow(rows)
}

/** @returns its payload as Postgres writes it, for those who may see it */
export async function findPayload(reading: Reading, id: string): Promise<string | undefined> {
  const { rows } = await sql<{ payload: string }>`
    select jsonb_pretty(payload) as payload from worker.requests where id = ${id} and ${own(reading)}`.execute(
    reading.deps.store,
  )
  return rows[0]?.payload
}
