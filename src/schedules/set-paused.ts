import { type Selectable, sql } from 'kysely'
import type { ScheduleRule } from '../account.ts'
import type { LineName } from '../runs/line.ts'
import type { WorkerTables } from '../store/schema.ts'
import type { Store } from '../store/store.ts'
import { describeRule, firstDue } from '../time/schedule-rule.ts'

/**
 * Pauses or resumes the schedule of a line, and stores it if no worker has done so yet.
 *
 * A resumed schedule starts like a new one: ticks during the pause weren't missed and aren't made up for.
 *
 * @param rule undefined if this process doesn't know it: then only a stored schedule can be changed
 * @returns undefined if there is no such schedule
 */
export async function setPaused(
  store: Store,
  { account, job }: LineName,
  rule: ScheduleRule | undefined,
  paused: boolean,
): Promise<Selectable<WorkerTables['worker.schedules']> | undefined> {
  return store.transaction().execute(async tx => {
    const { rows } = await sql<{ now: Date }>`select now() as now`.execute(tx)
    const due = rule && firstDue(rule, rows[0]?.now ?? new Date())
    if (rule && due) {
      await tx
        .insertInto('worker.schedules')
        .values({ account, job, rule: describeRule(rule), next_run_at: due, paused })
        .onConflict(conflict => conflict.doNothing())
        .execute()
    }
    const resumedAt = sql<Date>`case when paused and next_run_at <= now()
      then coalesce(${due ?? null}::timestamptz, next_run_at) else next_run_at end`
    return tx
      .updateTable('worker.schedules')
      .set({ paused, ...(!paused && { next_run_at: resumedAt }) })
      .where('account', '=', account)
      .where('job', '=', job)
      .returningAll()
      .executeTakeFirst()
  })
}
