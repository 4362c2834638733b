import { sql } from 'kysely'
import { accountRows } from '../store/account-rows.ts'
import type { Store } from '../store/store.ts'

export const holdRows = accountRows('worker.holds')

/**
 * When the gate let a run pass, what it met before is over. What a run met after the gate is over only when one came through,
 * which is written with its ending: lifted before, its pause would never grow, and all who wait would go at once.
 *
 * @returns whether anything had been held
 */
export async function liftHolds(store: Store, account: string, job: string): Promise<boolean> {
  const { numAffectedRows = 0n } = await sql`
    delete from worker.holds where account = ${account} and job in ('', ${job}) and met_by = 'gate'
      and (asked_until is null or asked_until <= now())`.execute(store)
  return numAffectedRows > 0n
}
