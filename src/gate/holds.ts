import { sql } from 'kysely'
import { type Explanation, OutageError, type RefusalError } from '../errors.ts'
import type { Store } from '../store/store.ts'

export type HoldCause = RefusalError | OutageError

/** A recorded reason for which an account's requests (`job` is ''), or one job's, wait. */
export interface Hold extends Explanation {
  readonly account: string
  readonly job: string
  readonly code: string
  /** Milliseconds until the next probe; 0 or less when it is due. */
  readonly dueInMs: number
}

/** Seconds until the next probe after the n-th one (from 0) failed: 5, 10, 20 … 300, so that nobody is hammered. */
export function probePauseSeconds(probes: number): number {
  return Math.min(5 * 2 ** Math.min(probes, 10), 300)
}

/** The hold that concerns this request, the account's before the job's. */
export async function findHold(store: Store, account: string, job: string): Promise<Hold | undefined> {
  const { rows } = await sql<Omit<Hold, 'remedy'> & { readonly remedy: string | null }>`
    select account, job, code, found, remedy,
      (extract(epoch from probe_at - now()) * 1000)::float8 as "dueInMs"
    from worker.holds where account = ${account} and job in ('', ${job}) order by job limit 1`.execute(store)
  const [row] = rows
  return row && { ...row, remedy: row.remedy ?? undefined }
}

/**
 * Claims a probe that is due: of all the requests that wait, in all processes, one goes to see whether it is mended.
 */
export async function claimProbe(store: Store, hold: Hold): Promise<boolean> {
  const { rows } = await sql`
    update worker.holds set probe_at = now() + interval '30 seconds'
    where account = ${hold.account} and job = ${hold.job} and probe_at <= now()
    returning account`.execute(store)
  return rows.length > 0
}

/**
 * Records why requests wait; a hold that was there already pauses longer.
 *
 * @param probed whether this run had gone to look if the hold is over: of several that meet one short outage at once, the first
 *   places the hold and the others don't lengthen its pause
 * @returns milliseconds until the next probe
 */
export async function placeHold(
  store: Store,
  account: string,
  job: string,
  cause: HoldCause,
  metBy: 'gate' | 'run',
  probed: boolean,
): Promise<number> {
  const values = {
    met_by: metBy,
    code: cause.code,
    found: cause.found,
    remedy: cause.remedy ?? null,
  }
  const key = { account, job: cause.scope === 'account' ? '' : job }
  return store.transaction().execute(async tx => {
    const before = await tx
      .selectFrom('worker.holds')
      .select(['probes', sql<number>`(extract(epoch from probe_at - now()) * 1000)::float8`.as('due_in_ms')])
      .where('account', '=', key.account)
      .where('job', '=', key.job)
      .forUpdate()
      .executeTakeFirst()
    if (before && !probed) return Math.max(before.due_in_ms, 1_000)
    const probes = before ? before.probes + 1 : 0
    const asked = cause instanceof OutageError ? (cause.retryAfterMs ?? 0) / 1000 : 0
    // A probe of this one reads all keys of a table: from a minute up to an hour.
    const costs = cause.code === 'deletion-guard' ? 12 : 1
    const seconds = Math.max(probePauseSeconds(probes) * costs, asked)
    const probe_at = sql<Date>`now() + make_interval(secs => ${seconds})`
    await tx
      .insertInto('worker.holds')
      .values({ ...key, ...values, probes, probe_at })
      .onConflict(conflict => conflict.columns(['account', 'job']).doUpdateSet({ ...values, probes, probe_at }))
      .execute()
    return seconds * 1000
  })
}

/**
 * When the gate let a run pass, what it met before is mended. What a run met behind the gate is over only when one came
 * through: lifted before, its pause would never grow, and all who wait would go at once.
 *
 * @returns whether anything had been held
 */
export async function liftHolds(store: Store, account: string, job: string, passed: 'gate' | 'run'): Promise<boolean> {
  const { rows } = await sql`
    delete from worker.holds
    where account = ${account} and job in ('', ${job})
      and (${passed} = 'run' or met_by = 'gate')
    returning account`.execute(store)
  return rows.length > 0
}
