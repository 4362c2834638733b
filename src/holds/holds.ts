import { type Expression, type SqlBool, sql } from 'kysely'
import type { Explanation } from '../explanation.ts'
import type { ObservedHold } from '../observer/observer.ts'
import { accountRows } from '../store/account-rows.ts'
import type { Store } from '../store/store.ts'

export const holdRows = accountRows('worker.holds')

/** Why requests wait. */
export interface Hold extends Explanation {
  readonly account: string
  /** Undefined if it holds every job of the account. */
  readonly job: string | undefined
  /** The check that failed. */
  readonly code: string
  readonly since: Date
  readonly nextProbeAt: Date
}

/**
 * Ordered by account and job.
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
 * When the gate lets a run pass, holds from before the gate are lifted. A hold placed during a run is lifted only by a successful
 * run, together with its end: if it were lifted earlier, its pause would never grow, and all waiting requests would run at once.
 *
 * @returns the holds that were lifted
 */
export async function liftGateHolds(store: Store, account: string, job: string): Promise<readonly ObservedHold[]> {
  const { rows } = await sql<ObservedHold>`
    select code, scope from worker.lift_holds(${account}, ${job}, 'gate')`.execute(store)
  return rows
}

/**
 * Lets the next request of these accounts, or of one of their jobs, check at once whether it is still held. If a probe is running,
 * which may have seen the cause before it was fixed, another one follows it. A pause that the API asked for stays.
 */
export async function probeNow(store: Store, accounts: readonly string[], job?: string): Promise<void> {
  await sql`
    update worker.holds set probe_at = now(), probe_wanted = true where account = any(${accounts})
      and ${job === undefined ? sql`true` : sql`job in ('', ${job})`}
      and probe_at > now() and (asked_until is null or asked_until <= now())`.execute(store)
}

/** Lifts every hold of only this job. */
export async function dropHolds(store: Store, account: string, job: string): Promise<void> {
  await store.deleteFrom('worker.holds').where('account', '=', account).where('job', '=', job).execute()
}
