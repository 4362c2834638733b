import { setImmediate } from 'node:timers/promises'
import { sql } from 'kysely'
import type { ScheduleRule } from '../account.ts'
import { jobsOf, scheduleOf } from '../definitions/account-jobs.ts'
import type { Observer } from '../observer/observer.ts'
import { type Line, type LineName, lineKey } from '../runs/line.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import type { Tick } from '../serving/look.ts'
import { accountRows } from '../store/account-rows.ts'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'
import { describeRule, firstDue, isCron, latestDue, planTick, spreadOf, type TickPlan } from '../time/schedule-rule.ts'

export const scheduleRows = accountRows('worker.schedules')

export interface SchedulerDeps extends Pick<RunDeps, 'store' | 'log' | 'wake'> {
  readonly observer: Pick<Observer, 'requestAccepted'>
}

export interface Schedule extends LineName {
  readonly rule: ScheduleRule
}

/** The schedules of all jobs of all accounts. */
export function listSchedules({ jobs, accounts }: Pick<RunDeps, 'jobs' | 'accounts'>): readonly Schedule[] {
  return [...accounts.values()].flatMap(({ account }) =>
    jobsOf(account, jobs.values()).flatMap(job => {
      const rule = scheduleOf(account, job)
      return rule ? [{ account: account.name, job: job.name, rule }] : []
    }),
  )
}

/**
 * Stores the configured schedules. One whose rule hasn't changed keeps its next time, even an overdue one, unless the store's clock
 * was ahead when that was set. Schedules that this process doesn't know stay, because another version or a process with other
 * accounts may keep them.
 */
export async function reconcileSchedules(store: Store, schedules: readonly Schedule[]): Promise<void> {
  const { rows } = await sql<{ now: Date }>`select now() as now`.execute(store)
  const now = rows[0]?.now ?? new Date()
  /** Accounts with the same job share its rule. */
  const dues = new Map<string, { readonly due: Date; readonly latest: Date }>()
  const wanted = schedules.map(({ account, job, rule }) => {
    const text = describeRule(rule)
    const { due, latest } = dues.get(text) ?? { due: firstDue(rule, now), latest: latestDue(rule, now) }
    dues.set(text, { due, latest })
    return { account, job, rule: text, due, latest, every: isCron(rule) ? null : rule.everySeconds }
  })
  // A time that no clock of now could have set comes from one that was wrong: the schedule would stand still until then.
  // A changed rule keeps a tick that is due but doesn't create one; otherwise each replica with another rule would start the job.
  await sql`
    with wanted as (
      select * from jsonb_to_recordset(${JSON.stringify(wanted)}::jsonb)
        as w(account text, job text, rule text, due timestamptz, latest timestamptz, every float8)
    ), ahead as (
      update worker.schedules s set next_run_at = w.due
      from wanted w where s.account = w.account and s.job = w.job and s.rule = w.rule and s.next_run_at > w.latest
    ), changed as (
      update worker.schedules s set rule = w.rule, next_run_at = case
        when s.next_run_at <= now() then s.next_run_at
        when w.every is null then w.due
        else greatest(now(), least(coalesce(s.last_run_at, now()), now()) + make_interval(secs => w.every)) end
      from wanted w where s.account = w.account and s.job = w.job and s.rule <> w.rule
    )
    insert into worker.schedules (account, job, rule, next_run_at)
    select account, job, rule, due from wanted order by account, job
    on conflict do nothing`.execute(store)
}

/** Makes the requests of due schedules in one round trip, except for ticks that another process has made first. */
export async function makeTicks(
  { store, log, wake, observer }: SchedulerDeps,
  schedules: readonly Schedule[],
  ticks: readonly Tick[],
  now: Date,
): Promise<void> {
  const rules = new Map(schedules.map(schedule => [lineKey(schedule), schedule.rule]))
  const due = await planTicks(rules, ticks, now)
  const { rows } = await sql<MadeRow>`${brief}
    select account, job, fence, free, request_id, absorbed from worker.tick(
      ${due.map(tick => tick.account)}::text[], ${due.map(tick => tick.job)}::text[],
      ${due.map(tick => tick.dueAt)}::timestamptz[], ${due.map(tick => tick.nextAt)}::timestamptz[],
      ${due.map(tick => tick.missed)}::integer[], ${due.map(tick => tick.spreadMs)}::integer[],
      ${due.map(tick => tick.isMade)}::boolean[])`.execute(store)
  // Only now: while the store can't be written, the same ticks are due at each look.
  for (const { account, job, missed } of due) {
    if (missed > 0) log.warn({ account, job, missed }, `ticks of a schedule were missed: ${whyMissed}`)
  }
  for (const { account, job, request_id: request, absorbed } of rows) {
    observer.requestAccepted({ job, account }, { request, trigger: 'schedule', absorbed })
  }
  wake(rows.flatMap(({ account, job, fence, free }) => (free ? [{ account, job, fence }] : [])))
}

/** Which of them it was, the log and the account's bootstrap tell. */
const whyMissed = 'no worker was running, or the store was out of reach, or the account was waiting for its bootstrap'

interface MadeRow extends Line {
  readonly free: boolean
  readonly request_id: string
  readonly absorbed: boolean
}

interface PlannedTick extends Tick, TickPlan {
  readonly spreadMs: number
}

/**
 * After a night without a worker, a thousand cron expressions are due together. Heartbeats and sockets get their turn in between.
 */
async function planTicks(
  rules: ReadonlyMap<string, ScheduleRule>,
  ticks: readonly Tick[],
  now: Date,
): Promise<readonly PlannedTick[]> {
  const planned: PlannedTick[] = []
  /** Accounts with the same job share its rule. */
  const plans = new Map<string, TickPlan>()
  for (const tick of ticks) {
    const rule = rules.get(lineKey(tick))
    if (!rule) continue
    const key = `${describeRule(rule)} ${rule.missed} ${tick.dueAt.getTime()}`
    let plan = plans.get(key)
    if (!plan) {
      plan = planTick(rule, { dueAt: tick.dueAt, now })
      plans.set(key, plan)
      await setImmediate()
    }
    planned.push({ ...tick, ...plan, spreadMs: spreadOf(rule, lineKey(tick)) })
  }
  return planned
}
