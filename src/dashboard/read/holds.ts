import { sql } from 'kysely'
import type { MissingRows } from '../../mirror/missing-rows.ts'
import type { Reading } from '../../operations/operation.ts'
import { isWanted } from '../../store/is-wanted.ts'
import { onlyRow, own } from './reading.ts'

export interface HeldRow {
  readonly account: string
  /** '' holds every job of the account. */
  readonly job: string
  readonly code: string
  readonly found: string
  readonly remedy: string | null
  readonly since: Date
  readonly probes: number
  readonly probe_at: Date
  /** No probe before then: the API asked for a pause. */
  readonly asked_until: Date | null
  /** Waiting requests, counted up to 1,000. */
  readonly waiting: number
  /** What a deletion guard keeps, since its last comparison of all keys. */
  readonly missing: Pick<MissingRows, 'here' | 'missingThere' | 'comparedAt'> | undefined
}

export interface HoldFilter {
  readonly account?: string | undefined
  readonly job?: string | undefined
  readonly code?: string | undefined
  readonly limit: number
}

/** Holds, the longest first, and their total. */
export async function findHeld(
  reading: Reading,
  { account, job, code, limit }: HoldFilter,
): Promise<{ readonly holds: readonly HeldRow[]; readonly total: number }> {
  const isMeant = sql`${own(reading)} and ${isWanted('account', account)} and ${isWanted('code', code)}
    and ${job === undefined ? sql`true` : sql`job in ('', ${job})`}`
  const { store } = reading.deps
  const { rows: held } = await sql<Omit<HeldRow, 'missing'> & FoundMissing>`
    select h.account, h.job, h.code, h.found, h.remedy, h.since, h.probes, h.probe_at,
      case when h.asked_until > now() then h.asked_until end as asked_until,
      (select count(*)::int from (
        select from worker.requests r
        where r.account = h.account and (h.job = '' or r.job = h.job) and r.state = 'waiting' and r.reserved_for is null
        limit 1000) behind) as waiting,
      m.compared_at, m.here::float8 as here, m.missing::float8 as missing
    from (select * from worker.holds where ${isMeant} order by since, account, job limit ${limit}) h
    left join worker.missing_rows m on h.code = 'deletion-guard' and m.account = h.account and m.job = h.job
    order by h.since, h.account, h.job`.execute(store)
  const { rows } = await sql<{
    total: number
  }>`select count(*)::int as total from worker.holds where ${isMeant}`.execute(store)
  return { holds: held.map(withMissing), ...onlyRow(rows) }
}

interface FoundMissing {
  readonly compared_at: Date | null
  readonly here: number | null
  readonly missing: number | null
}

function withMissing({
  compared_at: comparedAt,
  here,
  missing: missingThere,
  ...hold
}: Omit<HeldRow, 'missing'> & FoundMissing): HeldRow {
  const isKnown = comparedAt !== null && here !== null && missingThere !== null
  return { ...hold, missing: isKnown ? { comparedAt, here, missingThere } : undefined }
}
