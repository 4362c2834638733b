import { type Selectable, sql } from 'kysely'
import { z } from 'zod'
import type { ScheduleRule } from '../account.ts'
import { UsageError } from '../errors.ts'
import { chooseNamed, getNamed } from '../names/find-named.ts'
import { type LineName, lineKey } from '../runs/line.ts'
import { listSchedules as listConfigured } from '../schedules/scheduler.ts'
import { setPaused } from '../schedules/set-paused.ts'
import type { WorkerTables } from '../store/schema.ts'
import { sayRule } from '../time/schedule-rule.ts'
import { isOwn } from './bound-caller.ts'
import { defineOperation } from './operation.ts'
import { pageAfter, pageInput } from './pages.ts'
import { nameValue } from './values.ts'

const scheduleReportSchema = z.object({
  job: z.string(),
  account: z.string(),
  /** As text, such as "every 5 min". */
  rule: z.string(),
  /** null until a worker has stored it, and while it is paused. */
  nextDueAt: z.string().nullable(),
  lastRunAt: z.string().nullable(),
  /** Ticks missed because no worker could make their requests, since the schedule was created. */
  missed: z.int(),
  lastMissedAt: z.string().nullable(),
  paused: z.boolean(),
})
export type ScheduleReport = z.infer<typeof scheduleReportSchema>

type ScheduleRow = Selectable<WorkerTables['worker.schedules']>

const cursor = ['job', 'account']

/** The schedules that are configured here, and those stored by another process or version, ordered by job and account. */
export const listSchedules = defineOperation({
  route: 'GET /schedules',
  roles: ['view'],
  input: z.object(pageInput),
  output: z.array(scheduleReportSchema),
  cursor,
  async run(app, page) {
    const { deps } = app
    const stored = await deps.store
      .selectFrom('worker.schedules')
      .selectAll()
      .where(isOwn(sql.ref('account'), app))
      .execute()
    const rows = new Map(stored.map(row => [lineKey(row), row]))
    const known = new Map(listConfigured(deps).map(schedule => [lineKey(schedule), schedule]))
    const lines = new Map<string, LineName>([...rows, ...known])
    const all = [...lines]
      .map(([name, line]) => describe(line, rows.get(name), known.get(name)?.rule))
      .toSorted((a, b) => compare(a.job, b.job) || compare(a.account, b.account))
    return pageAfter(all, cursor, page)
  },
})

/**
 * Pauses or resumes a schedule. Ticks during the pause are not made up for: an interval is due immediately, a cron rule at its next
 * time. NotFoundError or UsageError if there is no such schedule.
 */
export const pauseSchedule = defineOperation({
  route: 'POST /jobs/:job/schedule',
  roles: ['operate'],
  input: z.object({ job: nameValue, account: nameValue.optional(), paused: z.boolean() }),
  output: scheduleReportSchema,
  async run({ deps, only }, wanted) {
    const { store, jobs, accounts } = deps
    // Another version of this worker may have stored one that is unknown here.
    const account =
      only === undefined && wanted.account !== undefined
        ? wanted.account
        : chooseNamed('account', accounts, wanted.account).account.name
    const line = { account, job: wanted.job }
    const rule = listConfigured(deps).find(schedule => lineKey(schedule) === lineKey(line))?.rule
    const row = await setPaused(store, line, rule, wanted.paused)
    if (row) return describe(line, row, rule)
    if (jobs.size > 0) getNamed('job', jobs, wanted.job)
    getNamed('account', accounts, account)
    throw new UsageError({
      found: `${line.job} has no schedule for account "${account}"`,
      remedy: '"npm run -s cli -- schedules" lists all schedules',
    })
  },
})

function describe(
  { job, account }: LineName,
  row: ScheduleRow | undefined,
  rule: ScheduleRule | undefined,
): ScheduleReport {
  return {
    job,
    account,
    rule: rule ? sayRule(rule) : (row?.rule ?? ''),
    nextDueAt: !row || row.paused ? null : row.next_run_at.toISOString(),
    lastRunAt: row?.last_run_at?.toISOString() ?? null,
    missed: Number(row?.missed ?? 0),
    lastMissedAt: row?.last_missed_at?.toISOString() ?? null,
    paused: row?.paused ?? false,
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : Number(a > b)
}
