import { sql } from 'kysely'
import type { Explanation } from '../explanation.ts'
import { accountRows } from '../store/account-rows.ts'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'

export const liveRows = accountRows('worker.live')

/** An account whose subscriptions are this process's to keep. */
export interface Kept {
  readonly account: string
  /** A hold of the whole account: nothing is asked of its API meanwhile. */
  readonly isHeld: boolean
}

/**
 * Takes the subscriptions of these accounts, where nobody has them or the process that has is dead, and tells which are this process's:
 * one at a time, for as long as it lives.
 */
export async function takeAccounts(
  store: Store,
  processId: string,
  accounts: readonly string[],
): Promise<readonly Kept[]> {
  const { rows } = await sql<{ account: string; is_held: boolean }>`${brief}
    with wanted as (
      select a.account from unnest(${accounts}::text[]) a(account)
      where not exists (
        select from worker.live l
        where l.account = a.account and l.job = '' and (
          l.process = ${processId}::uuid or exists (select from worker.living_processes() p where p.id = l.process)))
      order by a.account
    ), taken as (
      insert into worker.live as l (account, job, process) select account, '', ${processId}::uuid from wanted
      on conflict (account, job) do update set process = excluded.process, since = now()
        where l.process is null or not exists (select from worker.living_processes() p where p.id = l.process)
      returning l.account
    ), kept as (
      select account from taken
      union
      select l.account from worker.live l
      where l.job = '' and l.process = ${processId}::uuid and l.account = any(${accounts}::text[])
    )
    select k.account, exists (
      select from worker.holds h where h.account = k.account and h.job = ''
        and not (h.code = 'rate-limited' and h.probe_at <= now())) as is_held
    from kept k`.execute(store)
  return rows.map(({ account, is_held: isHeld }) => ({ account, isHeld }))
}

/** Lets another process take them at once. */
export async function releaseAccounts(store: Store, processId: string): Promise<void> {
  await sql`${brief} update worker.live set process = null, since = now() where process = ${processId}::uuid`.execute(
    store,
  )
}

/** `failing`: no subscription tells of changes, or one of them doesn't; the schedule goes on. */
export type LiveState = 'connecting' | 'live' | 'failing'

export interface LiveReport {
  readonly state: LiveState
  readonly problem?: (Explanation & { readonly code: string }) | undefined
}

/** How it goes with a job's subscriptions. */
export async function saveLiveState(
  store: Store,
  { account, job }: { readonly account: string; readonly job: string },
  { state, problem }: LiveReport,
): Promise<void> {
  await sql`${brief}
    insert into worker.live as l (account, job, state, code, found, remedy)
    values (${account}, ${job}, ${state}, ${problem?.code ?? null}, ${problem?.found ?? null}, ${problem?.remedy ?? null})
    on conflict (account, job) do update set state = excluded.state, code = excluded.code, found = excluded.found,
      remedy = excluded.remedy, since = case when l.state = excluded.state then l.since else now() end`.execute(store)
}

/** What was reported of jobs that are live no more. */
export async function dropLiveStates(store: Store, account: string, jobs: readonly string[]): Promise<void> {
  await sql`${brief} delete from worker.live where account = ${account} and job <> '' and job <> all(${jobs}::text[])`.execute(
    store,
  )
}

export interface ListedLive {
  readonly job: string
  readonly state: LiveState
  readonly since: string
  readonly problem: { readonly code: string; readonly found: string; readonly remedy: string | null } | null
}

/** By account, in the order of the jobs' names. */
export async function listLiveStates(store: Store): Promise<ReadonlyMap<string, readonly ListedLive[]>> {
  const rows = await store.selectFrom('worker.live').selectAll().where('job', '<>', '').orderBy('job').execute()
  const listed = rows.map(({ account, job, state, since, code, found, remedy }) => ({
    account,
    told: {
      job,
      state,
      since: since.toISOString(),
      problem: code === null ? null : { code, found: found ?? '', remedy },
    },
  }))
  return new Map(
    [...Map.groupBy(listed, ({ account }) => account)].map(([account, all]) => [account, all.map(({ told }) => told)]),
  )
}
