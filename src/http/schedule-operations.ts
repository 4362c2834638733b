import type { Selectable } from 'kysely'
import type { ScheduleRule } from '../account.ts'
import { UsageError } from '../errors.ts'
import { chooseNamed, getNamed } from '../names/find-named.ts'
import { type LineName, lineKey } from '../runs/line.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { listSchedules as listConfigured, type Schedule } from '../schedules/scheduler.ts'
import { setPaused } from '../schedules/set-paused.ts'
import type { WorkerTables } from '../store/schema.ts'
import { sayRule } from '../time/schedule-rule.ts'
import type { ScheduleReport, WantedPause } from './operations.ts'

type ScheduleRow = Selectable<WorkerTables['worker.schedules']>

/** The schedules that are configured here and those that another process or version has stored, by job and account. */
export async function listSchedules(deps: RunDeps): Promise<readonly ScheduleReport[]> {
  const stored = await deps.store.selectFrom('worker.schedules').selectAll().execute()
  const rows = new Map(stored.map(row => [lineKey(row), row]))
  const known = new Map(configured(deps).map(schedule => [lineKey(schedule), schedule]))
  const lines = new Map<string, LineName>([...rows, ...known])
  return [...lines]
    .map(([name, line]) => describe(line, rows.get(name), known.get(name)?.rule))
    .toSorted((a, b) => compare(a.job, b.job) || compare(a.account, b.account))
}

/** @throws NotFoundError, UsageError when there is no such schedule */
export async function pauseSchedule(deps: RunDeps, wanted: WantedPause): Promise<ScheduleReport> {
  const { store, jobs, accounts } = deps
  // Another version of this worker may have stored one that is unknown here.
  const account = wanted.account ?? chooseNamed('account', accounts, undefined).account.name
  const line = { account, job: wanted.job }
  const rule = configured(deps).find(schedule => lineKey(schedule) === lineKey(line))?.rule
  const row = await setPaused(store, line, rule, wanted.paused)
  if (row) return describe(line, row, rule)
  if (jobs.size > 0) getNamed('job', jobs, wanted.job)
  getNamed('account', accounts, account)
  throw new UsageError({
    found: `${line.job} has no schedule for account "${account}"`,
    remedy: '"schedules" lists those that there are',
  })
}

function configured({ jobs, accounts }: RunDeps): readonly Schedule[] {
  return listConfigured(
    jobs.values(),
    [...accounts.values()].map(access => access.account),
  )
}

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
