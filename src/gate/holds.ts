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
  const { rows } = await sql<{ lifted: number }>`
    select worker.lift_holds(${account}, ${job}, 'gate') as lifted`.execute(store)
  return (rows[0]?.lifted ?? 0) > 0
}
