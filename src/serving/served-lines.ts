import { sql } from 'kysely'
import { jobsOf, scheduleOf } from '../definitions/account-jobs.ts'
import { bootstrapJob } from '../definitions/bootstrap-account.ts'
import type { LineName } from '../runs/line.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { type SlotRange, slotsOf } from '../runs/slots.ts'
import type { AccountRows } from '../store/account-rows.ts'
import type { Store } from '../store/store.ts'

/** Only those of dead processes: a live one that serves the account registers it again. */
export const servedLineRows: AccountRows = {
  table: sql.table('worker.served_lines'),
  belongTo: account => sql`account = ${account} and not exists (
    select from worker.living_processes() p where p.id = process)`,
}

export interface ServedLine extends LineName, SlotRange {
  /** The account starts with a bootstrap, which makes the first syncs in order; ticks follow after it. */
  readonly afterBootstrap: boolean
  /** This process knows its schedule, and makes its ticks. */
  readonly hasSchedule: boolean
}

/** The lines of all jobs of all accounts. */
export function listLines({ jobs, accounts }: Pick<RunDeps, 'jobs' | 'accounts'>): readonly ServedLine[] {
  return [...accounts.values()].flatMap(({ account }) => {
    const own = jobsOf(account, jobs.values())
    const afterBootstrap = own.some(job => job.name === bootstrapJob)
    return own.map(job => {
      const hasSchedule = scheduleOf(account, job) !== undefined
      return { account: account.name, job: job.name, afterBootstrap, hasSchedule, ...slotsOf(account, job) }
    })
  })
}

/** A live process that serves the account; undefined if there is none. */
export async function findServer(
  store: Store,
  account: string,
): Promise<{ readonly host: string; readonly pid: number } | undefined> {
  const { rows } = await sql<{ host: string; pid: number }>`
    select host, pid from worker.living_lines() where account = ${account} limit 1`.execute(store)
  return rows[0]
}

/**
 * Replaces the lines that a process serves: it only learns about these. Concurrent calls take turns. A store that went back may not
 * know the process any more; the look after its next heartbeat says that it has no lines.
 *
 * @param lines called when it is this call's turn
 */
export async function storeServedLines(
  store: Store,
  processId: string,
  lines: () => readonly ServedLine[],
): Promise<void> {
  await store.transaction().execute(async tx => {
    await sql`select pg_advisory_xact_lock(hashtextextended(${processId}, 0))`.execute(tx)
    await tx.deleteFrom('worker.served_lines').where('process', '=', processId).execute()
    const rows = lines().map(({ account, job, afterBootstrap, hasSchedule, firstSlot, slots }) => ({
      account,
      job,
      after_bootstrap: afterBootstrap,
      has_schedule: hasSchedule,
      first_slot: firstSlot,
      slots,
    }))
    await sql`insert into worker.served_lines (process, account, job, after_bootstrap, has_schedule, first_slot, slots)
      select p.id, r.account, r.job, r.after_bootstrap, r.has_schedule, r.first_slot, r.slots
      from (select id from worker.processes where id = ${processId} for key share) p
      cross join jsonb_to_recordset(${JSON.stringify(rows)}::jsonb)
        as r(account text, job text, after_bootstrap boolean, has_schedule boolean, first_slot integer, slots integer)`.execute(
      tx,
    )
  })
}
