import { sql } from 'kysely'
import type { ObservedHold } from '../observer/observer.ts'
import { accountRows } from '../store/account-rows.ts'
import type { Store } from '../store/store.ts'

export const holdRows = accountRows('worker.holds')

/**
 * When the gate let a run pass, what it met before is over. What a run met after the gate is over only when one came through,
 * which is written with its ending: lifted before, its pause would never grow, and all who wait would go at once.
 *
 * @returns what had been held
 */
export async function liftHolds(store: Store, account: string, job: string): Promise<readonly ObservedHold[]> {
  const { rows } = await sql<ObservedHold>`
    delete from worker.holds where account = ${account} and job in ('', ${job}) and met_by = 'gate'
      and (asked_until is null or asked_until <= now())
    returning code, case job when '' then 'account' else 'job' end as scope`.execute(store)
  return rows
}

/** Lets the next request of an account, or of one job, find out at once whether it is still held; a pause that the API asked for stays. */
export async function probeNow(store: Store, account: string, job: string | undefined): Promise<void> {
  await sql`
    update worker.holds set probe_at = now() where account = ${account}
      and ${job === undefined ? sql`true` : sql`job in ('', ${job})`}
      and probe_at > now() and (asked_until is null or asked_until <= now())`.execute(store)
}
