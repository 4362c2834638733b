import { sql } from 'kysely'
import type { Reading } from '../../operations/operation.ts'
import { onlyRow, own } from './reading.ts'

export interface Totals {
  /** Live processes that serve lines. */
  readonly workers: number
  /** Counted up to 10,000. */
  readonly waiting: number
  readonly running: number
  readonly held: number
  /** Requests that failed in the last 24 hours and weren't repeated, counted up to 1,000. */
  readonly failed: number
  /** Webhooks that send nothing more, of live processes. */
  readonly stopped: number
}

export async function findTotals(reading: Reading): Promise<Totals> {
  const { rows } = await sql<Totals>`
    select
      (select count(distinct v.process)::int from worker.living_lines() v) as workers,
      (select count(*)::int from (select from worker.requests where state = 'waiting' and reserved_for is null and ${own(reading)}
        limit 10000) w) as waiting,
      (select count(*)::int from worker.leases where run_id is not null and ${own(reading)}) as running,
      (select count(*)::int from worker.holds where ${own(reading)}) as held,
      (select count(*)::int from ${failedToday(reading, 1_000)} f) as failed,
      (select count(*)::int from worker.webhooks w where w.state <> 'live' and ${own(reading, 'w.account')}
        and exists (select from worker.living_lines() v where v.account = w.account and v.job = w.webhook)) as stopped`.execute(
    reading.deps.store,
  )
  return onlyRow(rows)
}

/** Without those that were repeated. The index of failed requests is ordered by creation; one that failed today is rarely old. */
function failedToday(reading: Reading, limit: number) {
  return sql`(
    select id, seq, account, job, ended_at, error_code, error_found, error_remedy from worker.requests
    where state = 'failed' and superseded_by is null and ended_at > now() - interval '24 hours' and ${own(reading)}
    order by seq desc limit ${limit})`
}

export interface FailedRow {
  readonly id: string
  readonly account: string
  readonly job: string
  readonly ended_at: Date
  readonly error_code: string | null
  readonly error_found: string | null
  readonly error_remedy: string | null
}

export async function findFailedToday(reading: Reading, limit: number): Promise<readonly FailedRow[]> {
  const { rows } = await sql<FailedRow>`select * from ${failedToday(reading, limit)} f order by f.seq desc`.execute(
    reading.deps.store,
  )
  return rows
}

export interface LagRow {
  readonly job: string
  readonly accounts: number
  /** Accounts for which it never succeeded. */
  readonly never: number
  readonly waiting: number
  /** Milliseconds since the last success of the account that is furthest behind; null where there never was one. */
  readonly lag_ms: number | null
  readonly worst: string | null
  /** Milliseconds between two ticks of that account's schedule, where it has one and isn't paused. */
  readonly every_ms: number | null
  readonly next_at: Date | null
}

/** The lag of each job of the live workers, the greatest first. */
export async function findLag(reading: Reading): Promise<readonly LagRow[]> {
  const { rows } = await sql<LagRow>`
    with line as (
      select v.account, v.job, l.succeeded_at, s.next_run_at,
        case when not s.paused then s.next_run_at - s.last_run_at end as every,
        case when not s.paused then s.next_run_at end as next_at,
        row_number() over (partition by v.job order by l.succeeded_at nulls last, v.account) as place
      from (select distinct account, job from worker.living_lines()) v
      left join worker.leases l on l.account = v.account and l.job = v.job
      left join worker.schedules s on s.account = v.account and s.job = v.job
      where ${own(reading, 'v.account')}
    ), waits as (
      select job, count(*)::int as waiting from worker.requests
      where state = 'waiting' and reserved_for is null and ${own(reading)} group by job
    )
    select line.job, count(*)::int as accounts, count(*) filter (where line.succeeded_at is null)::int as never,
      coalesce(max(waits.waiting), 0) as waiting,
      (extract(epoch from now() - min(line.succeeded_at)) * 1000)::float8 as lag_ms,
      max(line.account) filter (where line.place = 1) as worst,
      (extract(epoch from max(line.every) filter (where line.place = 1)) * 1000)::float8 as every_ms,
      min(line.next_at) as next_at
    from line left join waits on waits.job = line.job
    group by line.job order by lag_ms desc nulls last, line.job`.execute(reading.deps.store)
  return rows
}

export interface DueRow {
  readonly account: string
  readonly job: string
  readonly next_run_at: Date
}

export async function findNextDue(reading: Reading, limit: number): Promise<readonly DueRow[]> {
  const { rows } = await sql<DueRow>`
    select s.account, s.job, s.next_run_at from worker.schedules s
    where not s.paused and ${own(reading, 's.account')}
      and exists (select from worker.living_lines() v where v.account = s.account and v.job = s.job)
    order by s.next_run_at limit ${limit}`.execute(reading.deps.store)
  return rows
}
