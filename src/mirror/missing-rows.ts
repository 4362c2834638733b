import { type Expression, type RawBuilder, type SqlBool, sql, type Transaction } from 'kysely'
import { z } from 'zod'
import { accountRows } from '../store/account-rows.ts'
import { isWanted } from '../store/is-wanted.ts'
import { patient } from '../store/prepared-statements.ts'
import type { Position, WorkerTables } from '../store/schema.ts'
import type { FencedTransaction, StoreReader } from '../store/store.ts'

export const missingRowsRows = accountRows('worker.missing_rows')

/** Keys that are stored of the rows that are missing: the first ones. */
export const mostMissingKeys = 200

export interface MissingKeys {
  /** The account's rows that are mirrored and not deleted. */
  readonly here: number
  /** Those of them that the read has not found. */
  readonly missingThere: number
}

/** The rows that the last comparison of all keys didn't find in the API, and that the deletion guard keeps. */
export interface MissingRows extends MissingKeys {
  /** Each comparison has a greater one. */
  readonly id: string
  readonly account: string
  readonly job: string
  readonly comparedAt: Date
}

interface Line {
  readonly account: string
  readonly job: string
}

/** @param keys a query of keys, each an array `key` of texts */
export async function recordMissingRows(
  tx: FencedTransaction,
  line: Line,
  { here, missingThere }: MissingKeys,
  keys: RawBuilder<unknown>,
): Promise<void> {
  await forgetMissingRows(tx, line)
  await sql`${patient}
    insert into worker.missing_rows (account, job, here, missing, keys)
    select ${line.account}, ${line.job}, ${here}::bigint, ${missingThere}::bigint, coalesce(jsonb_agg(to_jsonb(k.key)), '[]')
    from (${keys}) k`.execute(tx)
}

/** Of a job, of an account, or of both. */
export async function forgetMissingRows(tx: Transaction<WorkerTables>, { account, job }: Partial<Line>): Promise<void> {
  await sql`delete from worker.missing_rows where ${isWanted('account', account)} and ${isWanted('job', job)}`.execute(
    tx,
  )
}

/**
 * What deletion guards keep now, ordered by account and job. A guard that was triggered by something else than a comparison of all
 * keys has none until the next one.
 *
 * @param isShown a condition on the columns of `worker.holds`
 */
export async function findMissingRows(
  store: StoreReader,
  isShown: Expression<SqlBool>,
): Promise<readonly MissingRows[]> {
  const rows = await store
    .selectFrom('worker.holds')
    .innerJoin('worker.missing_rows as m', join =>
      join.onRef('m.account', '=', 'worker.holds.account').onRef('m.job', '=', 'worker.holds.job'),
    )
    .where('worker.holds.code', '=', 'deletion-guard')
    .where(isShown)
    .orderBy('m.account')
    .orderBy('m.job')
    .select(['m.id', 'm.account', 'm.job', 'm.compared_at', 'm.here', 'm.missing'])
    .execute()
  return rows.map(({ compared_at: comparedAt, here, missing, ...line }) => ({
    ...line,
    comparedAt,
    here: Number(here),
    missingThere: Number(missing),
  }))
}

/**
 * The keys that a comparison found missing, in the order of the key, at most `mostMissingKeys`; none if another one has replaced
 * it.
 */
export async function findMissingKeys(
  store: StoreReader,
  { id, account, job }: Pick<MissingRows, 'id' | 'account' | 'job'>,
): Promise<readonly Position[]> {
  const row = await store
    .selectFrom('worker.missing_rows')
    .select('keys')
    .where('account', '=', account)
    .where('job', '=', job)
    .where('id', '=', id)
    .executeTakeFirst()
  return z.array(z.array(z.string())).parse(row?.keys ?? [])
}
