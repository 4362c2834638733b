import { sql } from 'kysely'
import type { Account, ScheduleRule } from '../account.ts'
import type { Clock } from '../clock.ts'
import { jobsOf, scheduleOf } from '../jobs/account-jobs.ts'
import type { JobDefinition } from '../jobs/define-job.ts'
import type { Log } from '../log.ts'
import { scheduledRequestId } from '../queue/request.ts'
import type { RequestQueue } from '../queue/request-queue.ts'
import type { Store } from '../store/store.ts'
import { describeRule, firstDue, nextDue } from './schedule-rule.ts'

export interface SchedulerDeps {
  readonly store: Store
  readonly queue: RequestQueue
  readonly clock: Clock
  readonly log: Log
  /** What counts as now: the store's time. */
  now(): Promise<Date>
  /** A new account's ticks wait for this job, which makes the first syncs in their order; absent when there is none. */
  readonly bootstrapJob?: string
}

export interface Schedule {
  readonly account: string
  readonly job: string
  readonly rule: ScheduleRule
}

/** The schedules of every account's jobs. */
export function listSchedules(jobs: Iterable<JobDefinition>, accounts: Iterable<Account>): readonly Schedule[] {
  const all = [...jobs]
  return [...accounts].flatMap(account =>
    jobsOf(account, all).flatMap(job => {
      const rule = scheduleOf(account, job)
      return rule ? [{ account: account.name, job: job.name, rule }] : []
    }),
  )
}

/**
 * Stores the schedules that are configured. One whose rule is the same keeps its time, also an overdue one. Those that this
 * process doesn't know stay: another version, or a process with other accounts, may keep them.
 */
export async function reconcileSchedules(deps: SchedulerDeps, schedules: readonly Schedule[]): Promise<void> {
  const now = await deps.now()
  await deps.store.transaction().execute(async tx => {
    for (const { account, job, rule } of schedules) {
      const values = { rule: describeRule(rule), next_run_at: firstDue(rule, now) }
      await tx
        .insertInto('worker.schedules')
        .values({ account, job, ...values })
        .onConflict(conflict =>
          conflict.columns(['account', 'job']).doUpdateSet(values).where('worker.schedules.rule', '<>', values.rule),
        )
        .execute()
    }
  })
}

/** The store's own time: processes whose clocks disagree agree about schedules. */
export async function findStoreTime(store: Store): Promise<Date> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(store)
  return rows[0]?.now ?? new Date()
}

/** Milliseconds between two looks at the schedules. */
const lookEveryMs = 1_000
/** So many looks lie between two times at which those that are configured are stored again: an account may be forgotten. */
const looksPerReconcile = 60

/**
 * Adds the requests of due schedules until it is stopped; any number of processes may do so at once.
 *
 * @param list asked at each look, since accounts may be reloaded
 */
export function startScheduler(deps: SchedulerDeps, list: () => readonly Schedule[]): AsyncDisposable {
  const stopped = new AbortController()
  const looking = keepLooking(deps, list, stopped.signal)
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort(new DOMException('the scheduler is stopping', 'AbortError'))
      await looking
    },
  }
}

async function keepLooking(deps: SchedulerDeps, list: () => readonly Schedule[], signal: AbortSignal): Promise<void> {
  for (let looks = 1; !signal.aborted; looks += 1) {
    try {
      if (looks % looksPerReconcile === 0) await reconcileSchedules(deps, list())
      await addDueRequests(deps, new Map(list().map(({ account, job, rule }) => [`${account}/${job}`, rule])))
    } catch (error) {
      deps.log.warn({ error }, 'the schedules could not be looked at and are looked at again')
    }
    await deps.clock.sleep(lookEveryMs, signal).catch(() => {})
  }
}

/**
 * A tick is claimed, then its request added, then the schedule moved on: a crash in between leaves the claim to expire, and
 * the request's id, made of schedule and due time, keeps it from being added twice.
 *
 * @returns how many ticks were due
 */
export async function addDueRequests(deps: SchedulerDeps, rules: ReadonlyMap<string, ScheduleRule>): Promise<number> {
  const { store, queue, log } = deps
  const now = await deps.now()
  const due = await claimDue(deps, [...rules.keys()], now)
  for (const { account, job, next_run_at: dueAt } of due) {
    const rule = rules.get(`${account}/${job}`)
    if (!rule) continue
    const request = await queue.add({
      account,
      job,
      payload: {},
      trigger: 'schedule',
      id: scheduledRequestId(account, job, dueAt),
    })
    await store
      .updateTable('worker.schedules')
      .set({
        next_run_at: nextDue(rule, dueAt, now),
        last_run_at: now,
        claimed_until: null,
      })
      .where('account', '=', account)
      .where('job', '=', job)
      // An operator may have set it with microseconds, which a Date doesn't hold.
      .where(sql`date_trunc('milliseconds', next_run_at)`, '=', dueAt)
      .execute()
    log.debug({ account, job, request: request.id, absorbed: request.absorbed }, 'a schedule was due')
  }
  return due.length
}

/** Only ticks of schedules that this process knows: those of another one are its to serve. */
async function claimDue(
  { store, bootstrapJob = '' }: SchedulerDeps,
  known: readonly string[],
  now: Date,
): Promise<readonly { account: string; job: string; next_run_at: Date }[]> {
  const { rows } = await sql<{ account: string; job: string; next_run_at: Date }>`
    update worker.schedules set claimed_until = now() + interval '30 seconds'
    where (account, job) in (
      select account, job from worker.schedules s
      where not paused and next_run_at <= ${now}
        and (claimed_until is null or claimed_until < now())
        and account || '/' || job = any(${known})
        and (${bootstrapJob} = ''
          or exists (select from worker.accounts a where a.name = s.account and a.bootstrapped_at is not null)
          or (select r.state = 'failed' from worker.runs r
            where r.account = s.account and r.job = ${bootstrapJob} order by r.id desc limit 1))
      for update skip locked)
    returning account, job, date_trunc('milliseconds', next_run_at) as next_run_at`.execute(store)
  return rows
}
