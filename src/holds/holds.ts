import { type Expression, type SqlBool, sql } from 'kysely'
import type { Explanation } from '../errors.ts'
import type { ObservedHold } from '../observer/observer.ts'
import { accountRows } from '../store/account-rows.ts'
import type { Store } from '../store/store.ts'

export const holdRows = accountRows('worker.holds')

/** Why requests wait. */
export interface Hold extends Explanation {
  readonly account: string
  /** Undefined where it holds every job of the account. */
  readonly job: string | undefined
  /** The check that failed. */
  readonly code: string
  readonly since: Date
  readonly nextProbeAt: Date
}

/**
 * By account and job.
 *
 * @param isShown a condition on `account`
 */
export async function listHolds(store: Store, isShown: Expression<SqlBool>): Promise<readonly Hold[]> {
  const rows = await store
    .selectFrom('worker.holds')
    .selectAll()
    .where(isShown)
    .orderBy('account')
    .orderBy('job')
    .execute()
  return rows.map(({ account, job, code, found, remedy, since, probe_at: nextProbeAt }) => ({
    account,
    job: job || undefined,
    code,
    found,
    remedy: remedy ?? undefined,
    since,
    nextProbeAt,
  }))
}

/**
 * When the gate let a run pass, what it met before is over. What a run met after the gate is over only when one came through,
 * which is written with its ending: lifted before, its pause would never grow, and all who wait would go at once.
 *
 * @returns what had been held
 */
export async function liftGateHolds(store: Store, account: string, job: string): Promise<readonly ObservedHold[]> {
  const { rows } = await sql<ObservedHold>`
    select code, scope from worker.lift_holds(${account}, ${job}, 'gate')`.execute(store)
  return rows
}

/**
 * Lets the next request of these accounts, or of one of their jobs, find out at once whether it is still held; a pause that the API
 * asked for stays.
 */
export async function probeNow(store: Store, accounts: readonly string[], job?: string): Promise<void> {
  await sql`
    update worker.holds set probe_at = now() where account = any(${accounts})
      and ${job === undefined ? sql`true` : sql`job in ('', ${job})`}
      and probe_at > now() and (asked_until is null or asked_until <= now())`.execute(store)
}

/** Ends what holds this job alone, whatever it is. */
export async function dropHolds(store: Store, account: string, job: string): Promise<void> {
  await store.deleteFrom('worker.holds').where('account', '=', account).where('job', '=', job).execute()
}
