import { sql } from 'kysely'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'
import { other } from './label-values.ts'

/** What all processes share, as one number for each combination of labels. */
export interface StoreFact {
  readonly name: StoreFactName
  /** '' for a hold of a whole account. */
  readonly job: string
  /** '' unless accounts have time series of their own. */
  readonly account: string
  /** The state of requests and webhooks, the code of holds; else ''. */
  readonly kind: string
  /** A number of them, or the greatest age in seconds. */
  readonly value: number
}

export type StoreFactName =
  | 'requests'
  | 'oldest-request'
  | 'oldest-run'
  | 'holds'
  | 'oldest-hold'
  | 'last-success'
  | 'schedule-interval'
  | 'webhooks-stopped'
  | 'workers'

/** Names with time series of their own; all others are counted as `other`, so that the result has a known size. */
export interface TellApart {
  readonly jobs: readonly string[]
  /** Undefined if accounts are counted together. */
  readonly accounts: readonly string[] | undefined
}

/**
 * One statement over waiting and running requests, holds, and the lines that live processes serve.
 *
 * A request waits from when it was made; a retried one, from when its line last started a run. The active run of its line doesn't
 * count: no other worker could start the request meanwhile. A line that never succeeded counts from when its account was first seen.
 */
export async function readStoreFacts(store: Store, { jobs, accounts }: TellApart): Promise<readonly StoreFact[]> {
  const jobOf = sql`case when fact.job = any(${jobs}::text[]) or fact.job = '' then fact.job else ${other} end`
  const accountOf = accounts
    ? sql`case when fact.account = any(${accounts}::text[]) or fact.account = '' then fact.account else ${other} end`
    : sql`''`
  const { rows } = await sql<StoreFact>`${brief}
    with served as (
      select v.account, v.job, count(*) as processes from worker.living_lines() v group by v.account, v.job
    ), waiting as (
      select r.account, r.job,
        count(*) filter (where r.due_at is null) as ready,
        count(*) filter (where r.due_at is not null) as later,
        min(r.requested_at) filter (where r.due_at is null and r.failures = 0) as first_at,
        min(r.requested_at) filter (where r.due_at is null and r.failures > 0) as retried_at
      from worker.requests r
      where r.state = 'waiting' and (r.due_at is null or r.due_at < 'infinity')
      group by r.account, r.job
    ), line as (
      select w.*,
        least(w.first_at, case when w.retried_at is not null then greatest(w.retried_at, l.taken_at) end) as oldest_at,
        -- Behind an active run: what had waited when it started.
        case when l.run_id is null then now() else l.taken_at end as until,
        case
          when s.job is null then 'unserved'
          when exists (select from worker.holds_of(w.account, w.job)) then 'held'
          else 'ready'
        end as state
      from waiting w
      left join worker.leases l on l.account = w.account and l.job = w.job
      left join served s on s.account = w.account and s.job = w.job
    ), hold as (
      select h.account, h.job, h.code, h.since from worker.holds h
      where exists (select from served s where s.account = h.account and h.job in ('', s.job))
    ), fact (name, account, job, kind, value) as (
      select 'requests', account, job, state, ready::float8 from line where ready > 0
      union all
      select 'requests', account, job, 'later', later from line where later > 0
      union all
      select 'requests', account, job, 'running', 1 from worker.leases where slot is not null
      union all
      select 'oldest-run', account, job, '', extract(epoch from now() - taken_at) from worker.leases where slot is not null
      union all
      select 'oldest-request', account, job, '', extract(epoch from until - oldest_at)
      from line where ready > 0 and state = 'ready' and oldest_at < until
      union all
      select 'holds', account, job, code, 1 from hold
      union all
      select 'oldest-hold', account, job, code, extract(epoch from now() - since) from hold
      union all
      select 'last-success', s.account, s.job, '', extract(epoch from now() - coalesce(l.succeeded_at, a.created_at))
      from served s
      join worker.accounts a on a.name = s.account
      left join worker.leases l on l.account = s.account and l.job = s.job
      union all
      select 'schedule-interval', t.account, t.job, '', extract(epoch from t.next_run_at - t.last_run_at)
      from worker.schedules t join served s on s.account = t.account and s.job = t.job
      where not t.paused and t.last_run_at is not null
      union all
      select 'webhooks-stopped', w.account, w.webhook, w.state, 1
      from worker.webhooks w join served s on s.account = w.account and s.job = w.webhook where w.state <> 'live'
      union all
      select 'workers', '', '', '', count(distinct v.process) from worker.living_lines() v
    )
    select fact.name, ${jobOf} as job, ${accountOf} as account, fact.kind,
      case when fact.name in ('requests', 'holds', 'webhooks-stopped', 'workers') then sum(fact.value) else max(fact.value) end::float8 as value
    from fact group by 1, 2, 3, 4`.execute(store)
  return rows
}
