import { sql } from 'kysely'
import type { Account, ScheduleRule } from '../account.ts'
import type { Clock } from '../clock.ts'
import { jobsOf, scheduleOf } from '../jobs/account-jobs.ts'
import { bootstrapJob } from '../jobs/bootstrap-account.ts'
import type { JobDefinition } from '../jobs/define-job.ts'
import type { Log } from '../log.ts'
import { scheduledRequestId } from '../queue/request.ts'
import type { RequestQueue } from '../queue/request-queue.ts'
import { describeRule, firstDue, nextDue } from '../schedule-rule.ts'
import type { Store } from '../store/store.ts'

export interface SchedulerDeps {
  readonly store: Store
  readonly queue: RequestQueue
  readonly clock: Clock
  readonly log: Log
  /** What counts as now: the store's time. */
  now(): Promise<Date>
}

export interface Schedule {
  readonly account: string
  readonly job: string
  readonly rule: ScheduleRule
  /** The account begins with a bootstrap, which makes the first syncs in their order: ticks come after it. */
  readonly afterBootstrap: boolean
}

/** The schedules of every account's jobs. */
export function listSchedules(jobs: Iterable<JobDefinition>, accounts: Iterable<Account>): readonly Schedule[] {
  const all = [...jobs]
  return [...accounts].flatMap(account => {
    const own = jobsOf(account, all)
    const afterBootstrap = own.some(job => job.name === bootstrapJob)
    return own.flatMap(job => {
      const rule = scheduleOf(account, job)
      return rule ? [{ account: account.name, job: job.name, rule, afterBootstrap }] : []
    })
  })
}

/**
 * Stores the schedules that are configured. One whose rule is the same keeps its time, also an overdue one. Those that this
 * process doesn't know stay: another version, or a process with other accounts, may keep them.
 */
export async function reconcileSchedules(deps: SchedulerDeps, schedules: readonly Schedule[]): Promise<void> {
  const now = await deps.now()
  await deps.store.transaction().execute(async tx => {
    for (const { account, job, rule } of schedules) {
      const due = firstDue(rule, now)
      const every = 'everySeconds' in rule ? rule.everySeconds : null
      // A changed rule keeps a tick that is due, and doesn't make one: replicas with different rules would each start the job.
      await sql`
        insert into worker.schedules as s (account, job, rule, next_run_at)
        values (${account}, ${job}, ${describeRule(rule)}, ${due})
        on conflict (account, job) do update set
          rule = excluded.rule,
          next_run_at = case
            when s.next_run_at <= ${now} then s.next_run_at
            when ${every}::float8 is null then excluded.next_run_at
            else greatest(${now}, coalesce(s.last_run_at, ${now}) + make_interval(secs => ${every}::float8)) end
        where s.rule <> excluded.rule`.execute(tx)
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
      await addDueRequests(deps, list())
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
export async function addDueRequests(deps: SchedulerDeps, schedules: readonly Schedule[]): Promise<number> {
  const now = await deps.now()
  const due = await claimDue(deps.store, schedules, now)
  const known = new Map(schedules.map(schedule => [nameOf(schedule), schedule]))
  let failure: unknown
  for (const tick of due) {
    const schedule = known.get(nameOf(tick))
    try {
      if (schedule) await addTick(deps, schedule, tick.next_run_at, now)
    } catch (error) {
      // One schedule's trouble must not keep the others from their ticks.
      failure = error
    }
  }
  if (failure !== undefined) throw failure
  return due.length
}

async function addTick(
  { store, queue, log }: SchedulerDeps,
  schedule: Schedule,
  dueAt: Date,
  now: Date,
): Promise<void> {
  const { account, job, rule } = schedule
  const next = nextDue(rule, dueAt, now)
  const id = scheduledRequestId(account, job, dueAt)
  const request = await queue.add({ account, job, payload: {}, trigger: 'schedule', id })
  await store
    .updateTable('worker.schedules')
    .set({ next_run_at: next, last_run_at: now, claimed_until: null })
    .where('account', '=', account)
    .where('job', '=', job)
    // An operator may have set it with microseconds, which a Date doesn't hold.
    .where(sql`date_trunc('milliseconds', next_run_at)`, '=', dueAt)
    .execute()
  log.debug({ account, job, request: request.id, absorbed: request.absorbed }, 'a schedule was due')
}

/** Only ticks of schedules that this process knows, those of another one are its to serve; a new account's after its bootstrap. */
async function claimDue(
  store: Store,
  schedules: readonly Schedule[],
  now: Date,
): Promise<readonly { account: string; job: string; next_run_at: Date }[]> {
  const { rows } = await sql<{ account: string; job: string; next_run_at: Date }>`
    update worker.schedules set claimed_until = now() + interval '30 seconds'
    where (account, job) in (
      select account, job from worker.schedules s
      where not paused and next_run_at <= ${now}
        and (claimed_until is null or claimed_until < now())
        and account || '/' || job = any(${schedules.map(nameOf)})
        and (account || '/' || job <> all(${schedules.filter(schedule => schedule.afterBootstrap).map(nameOf)})
          or exists (select from worker.accounts a where a.name = s.account and a.bootstrapped_at is not null)
          or exists (select from worker.bootstrap_steps b where b.account = s.account and b.step = s.job and b.state = 'done')
          or (select r.state = 'failed' from worker.runs r
            where r.account = s.account and r.job = ${bootstrapJob} order by r.id desc limit 1))
      for update skip locked)
    returning account, job, date_trunc('milliseconds', next_run_at) as next_run_at`.execute(store)
  return rows
}

function nameOf({ account, job }: { readonly account: string; readonly job: string }): string {
  return `${account}/${job}`
}
