import { type RawBuilder, sql } from 'kysely'
import { bootstrapJob } from '../definitions/bootstrap-account.ts'
import { lifeMs } from '../process/process.ts'
import { requestBootstraps } from '../runs/bootstraps.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { explainReference } from '../store/foreign-reference.ts'
import { explainLack } from '../store/lost-connection.ts'
import type { Database } from '../store/open-database.ts'
import type { Store } from '../store/store.ts'
import { repeat } from '../time/repeat.ts'

const everyMs = 60_000

/**
 * Maintenance, once a minute until it is disposed: an account that was forgotten starts again, impossible times are corrected,
 * records that are old or mean nothing any more are deleted, and the database is maintained if it doesn't do that itself.
 *
 * @param renew stores what this process serves, and its schedules
 */
export function startHousekeeping(
  deps: RunDeps,
  database: Pick<Database, 'maintain'>,
  renew: () => Promise<void>,
): AsyncDisposable {
  return repeat(deps.clock, async ({ signal }) => {
    try {
      await renew()
      await requestBootstraps(deps)
      await dropIdle(deps, signal)
      await correctTimes(deps, signal)
      await prune(deps, signal)
      await database.maintain(signal)
    } catch (error) {
      deps.log.warn({ error: explainLack(error) }, 'maintenance failed and is repeated in a minute')
    }
    return everyMs
  })
}

/** Rows per statement: few enough that locks are short, however many rows there are. */
const batch = 1_000

/**
 * A store whose clock was ahead has set times that lie far in the future, and nothing would go on until then. No pause is longer
 * than a day, and every process renews its row each second. Schedules are corrected where they are reconciled.
 */
async function correctTimes({ store, process }: RunDeps, signal: AbortSignal): Promise<void> {
  const impossible = sql`now() + interval '25 hours'`
  await inBatches(store, signal, [
    sql`update worker.holds set probe_at = now(), asked_until = null
      where greatest(probe_at, asked_until) > ${impossible}`,
    sql`update worker.requests set due_at = null where id in (
      select id from worker.requests where state = 'waiting' and due_at > ${impossible} and due_at < 'infinity'
      order by due_at limit ${batch} for update skip locked)`,
    // One that is alive reports before this has passed.
    sql`update worker.processes set expires_at = now() + make_interval(secs => ${lifeMs / 1000})
      where id <> ${process.id} and expires_at > now() + interval '1 minute'`,
  ])
}

/**
 * Deletes what would be told for ever, because nothing ends it any more:
 *
 * - a schedule of a line that live processes serve without one, because it was removed. A version of the worker that still has it
 *   keeps it, and so does a pause. If it is added again, it starts like a new one.
 * - a hold for which no request waits, such as of a job that was renamed or whose request somebody cancelled: nothing would probe it.
 *   The next request finds out itself. A pause that the API asked for stays.
 */
async function dropIdle({ store }: RunDeps, signal: AbortSignal): Promise<void> {
  const isServed = (how: RawBuilder<boolean>) => sql<boolean>`exists (
    select from worker.served_lines v join worker.living_processes() p on p.id = v.process
    where v.account = s.account and v.job = s.job and ${how})`
  await inBatches(store, signal, [
    sql`delete from worker.schedules s
      where not s.paused and ${isServed(sql`not v.has_schedule`)} and not ${isServed(sql`v.has_schedule`)}`,
    sql`delete from worker.holds h
      where h.since < now() - interval '1 minute' and (h.asked_until is null or h.asked_until <= now())
        and not exists (select from worker.requests r
          where r.account = h.account and (h.job = '' or r.job = h.job) and r.state = 'waiting')
        and not exists (select from worker.leases l
          where l.account = h.account and (h.job = '' or l.job = h.job) and l.run_id is not null)`,
  ])
}

/**
 * Excludes what an open request still needs: its steps, and requests that were superseded by it, with their keys. Until an account
 * is bootstrapped, whether its schedules run and its bootstrap is requested depends on earlier bootstraps and their steps.
 */
const isForgettable = sql<boolean>`
  not exists (select from worker.requests b where b.id = r.bootstrap_id and b.ended_at is null)
  and not exists (
    select from worker.requests b left join worker.accounts a on a.name = b.account
    where b.id in (r.id, r.bootstrap_id) and b.job = ${bootstrapJob} and a.bootstrapped_at is null)
  and not exists (
    select from worker.requests s where s.id = worker.successor(r.id) and s.id <> r.id and s.ended_at is null)`

/** Deletes what is old, each kind on its own. */
async function prune({ store, log }: RunDeps, signal: AbortSignal): Promise<void> {
  for (const statement of oldRecords) {
    await inBatches(store, signal, [statement]).catch((error: unknown) => {
      const kept = explainReference(error)
      // The others are deleted nevertheless.
      if (!kept) throw error
      log.warn({ error: kept }, 'old records could not be deleted; the worker tries again in a minute')
    })
  }
}

/**
 * Requests that are done for 7 days, with their idempotency keys; failed ones after 30; runs after 90; schedules that nobody has
 * served for 90; the audit trail after a year; the progress of runs that have ended. A paused schedule isn't served, but it stays.
 */
const oldRecords: readonly RawBuilder<unknown>[] = [
  sql`delete from worker.requests where id in (
      select id from worker.requests r where ended_at < now() - interval '7 days' and ${isForgettable}
        and state <> 'failed'
      order by ended_at limit ${batch})`,
  sql`delete from worker.requests where id in (
      select id from worker.requests r where ended_at < now() - interval '30 days' and ${isForgettable}
      order by ended_at limit ${batch})`,
  sql`delete from worker.runs where id in (
      select id from (select id, finished_at from worker.runs order by seq limit ${batch}) oldest
      where finished_at < now() - interval '90 days')`,
  sql`delete from worker.schedules where (account, job) in (
      select account, job from worker.schedules where next_run_at < now() - interval '90 days' and not paused limit ${batch})`,
  sql`delete from worker.audit where id in (
      select id from (select id, at from worker.audit order by id limit ${batch}) oldest
      where at < now() - interval '365 days')`,
  sql`delete from worker.processes where id in (
      select id from worker.processes where expires_at < now() - interval '1 day' limit ${batch})`,
  sql`delete from worker.run_progress where run_id in (
      select run_id from worker.run_progress p
      where not exists (select from worker.leases l where l.run_id = p.run_id) limit ${batch})`,
]

async function inBatches(store: Store, signal: AbortSignal, statements: readonly RawBuilder<unknown>[]): Promise<void> {
  for (const statement of statements) {
    let affected = batch
    while (affected >= batch && !signal.aborted) {
      affected = Number((await statement.execute(store)).numAffectedRows ?? 0n)
    }
  }
}
