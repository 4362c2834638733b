import { type RawBuilder, type Selectable, sql } from 'kysely'
import type { Explanation } from '../explanation.ts'
import { accountRows } from '../store/account-rows.ts'
import { brief } from '../store/prepared-statements.ts'
import type { WorkerTables } from '../store/schema.ts'
import type { Store } from '../store/store.ts'

export const liveRows = accountRows('worker.live')

/** An account whose subscriptions this process keeps. */
export interface Kept {
  readonly account: string
  /** The whole account is held: its API is asked nothing. */
  readonly isHeld: boolean
}

/**
 * Takes the subscriptions of those accounts that no living process has. Until a process dies or releases an account, no other gets it.
 *
 * @returns all of these accounts that this process has
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
    select k.account, ${isHeld(sql`k.account`)} as is_held from kept k`.execute(store)
  return rows.map(({ account, is_held: isHeld }) => ({ account, isHeld }))
}

/** Another process can take them at once. */
export async function releaseAccounts(store: Store, processId: string): Promise<void> {
  await sql`${brief} update worker.live set process = null, since = now() where process = ${processId}::uuid`.execute(
    store,
  )
}

/** `failing`: at least one subscription doesn't work; the job still runs on schedule. */
export type LiveState = 'connecting' | 'live' | 'failing'

export interface LiveReport {
  readonly state: LiveState
  readonly problem?: (Explanation & { readonly code: string }) | undefined
}

/** @param reports by job */
export async function saveLiveStates(
  store: Store,
  account: string,
  reports: ReadonlyMap<string, LiveReport>,
): Promise<void> {
  const rows = [...reports].map(([job, { state, problem }]) => ({
    job,
    state,
    code: problem?.code,
    found: problem?.found,
    remedy: problem?.remedy,
  }))
  await sql`${brief}
    insert into worker.live as l (account, job, state, code, found, remedy)
    select ${account}, t.* from jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
      as t(job text, state text, code text, found text, remedy text)
    on conflict (account, job) do update set state = excluded.state, code = excluded.code, found = excluded.found,
      remedy = excluded.remedy, since = case when l.state = excluded.state then l.since else now() end`.execute(store)
}

/** Deletes the states of jobs that are no longer live. @param jobs those that are */
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

/** By account, in the order of the jobs' names. What was reported counts while a process keeps the account's subscriptions. */
export async function listLiveStates(store: Store): Promise<ReadonlyMap<string, readonly ListedLive[]>> {
  const { rows } = await sql<Selectable<WorkerTables['worker.live']> & { is_kept: boolean; is_held: boolean }>`${brief}
    select l.*, ${isHeld(sql`l.account`)} as is_held, exists (
      select from worker.live k join worker.living_processes() p on p.id = k.process
      where k.account = l.account and k.job = '') as is_kept
    from worker.live l where l.job <> '' order by l.job`.execute(store)
  const listed = rows.map(({ account, job, since, is_held: held, is_kept: kept, ...reported }) => {
    const { state, code, found, remedy } = held ? whileHeld : kept ? reported : whileNobody
    const problem = code === null ? null : { code, found: found ?? '', remedy }
    return { account, told: { job, state, since: since.toISOString(), problem } }
  })
  return new Map(
    [...Map.groupBy(listed, ({ account }) => account)].map(([account, all]) => [account, all.map(({ told }) => told)]),
  )
}

const whileHeld = {
  state: 'failing',
  code: 'held',
  found: 'The account is held, so its subscriptions are closed',
  remedy: null,
} as const
const whileNobody = {
  state: 'failing',
  code: 'no-worker',
  found: 'No worker keeps the subscriptions of the account',
  remedy: 'start a worker that has it',
} as const

/** Whether the whole account is held. A pause that the API asked for holds until it is over. */
function isHeld(account: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql`exists (select from worker.holds h where h.account = ${account} and h.job = ''
    and not (h.code = 'rate-limited' and h.probe_at <= now()))`
}
