import { type RawBuilder, sql } from 'kysely'
import type { Rows } from '../../hasura/rows.ts'
import type { MirrorTable } from '../../mirror/mirror-table.ts'
import { type MissingKeys, mostMissingKeys } from '../../mirror/missing-rows.ts'
import { columnValue, isKeyOf, unnestPage } from '../../mirror/page-rows.ts'
import { isSoftDeleted } from '../../mirror/soft-delete.ts'
import { allowHours, patient } from '../../store/prepared-statements.ts'
import type { Position } from '../../store/schema.ts'
import type { FencedTransaction } from '../../store/store.ts'
import type { FullRead } from './full-read-record.ts'

/*
 * The keys of a full read are stored in the database: a million don't fit into memory, and merging two ordered streams would
 * delete rows if the collations differ. They are stored as text, which keeps the source's spelling, and compared as values of the
 * mirror's types: 12.5 and 12.50 are the same key.
 */

/** Stores the keys of a page, and their cursors if the table has one. */
export async function stageKeys(
  tx: FencedTransaction,
  readId: string,
  table: MirrorTable,
  cursor: string | undefined,
  page: Rows,
): Promise<void> {
  const columns = table.columns.filter(({ name }) => name === cursor || table.key.includes(name))
  const value = (name: string) =>
    sql`${sql.join(columns.filter(column => column.name === name).map(columnValue))}::text`
  await sql`
    insert into worker.staged_keys (read_id, key, cursor)
    select ${readId}, array[${sql.join(table.key.map(value))}], ${cursor === undefined ? sql`null` : value(cursor)}
    from ${unnestPage(page, columns)}`.execute(tx)
}

/** How many rows would have to be deleted, at most. */
export async function countMissing(
  tx: FencedTransaction,
  readId: string,
  table: MirrorTable,
  account: string,
): Promise<MissingKeys> {
  await planForMany(tx)
  const { rows } = await sql<{ here: string; missing: string }>`${patient}
    select (select count(*) from ${sql.table(`mirror.${table.name}`)} m
        where m._account = ${account} and m._deleted_at is null) as here,
      (select count(*) from ${missingThere(table, account, readId)}) as missing`.execute(tx)
  return { here: Number(rows[0]?.here), missingThere: Number(rows[0]?.missing) }
}

/** The keys of the first rows that would have to be deleted: each an array `key` of texts, in the order of the key. See `planForMany`. */
export function firstMissing(readId: string, table: MirrorTable, account: string): RawBuilder<unknown> {
  const order = sql.join(table.key.map(name => sql.ref(`m.${name}`)))
  return sql`select ${keyOf(table)} as key from ${missingThere(table, account, readId)} order by ${order} limit ${sql.lit(mostMissingKeys)}`
}

/**
 * Postgres doesn't know how many keys were staged a moment ago. It would plan for a few and compare each row with all of them. Only
 * the table's owner could analyze it, and the worker needn't be that. However many there are, each statement may take its time.
 */
export async function planForMany(tx: FencedTransaction): Promise<void> {
  await sql`set local enable_nestloop = off`.execute(tx)
  await allowHours(tx)
}

function missingThere(table: MirrorTable, account: string, readId: string): RawBuilder<unknown> {
  return sql`${sql.table(`mirror.${table.name}`)} m
    where m._account = ${account} and m._deleted_at is null
      and not exists (select from worker.staged_keys s where s.read_id = ${readId} and ${isStaged(table)})`
}

/**
 * Converts the staged keys into a list of keys to settle: those missing in the API and, unless whole rows were read, those that
 * are missing here, that have another cursor or spelling, or that were marked as deleted.
 *
 * @returns how many these are
 */
export async function listUnsettled(
  tx: FencedTransaction,
  read: Pick<FullRead, 'id' | 'purpose'>,
  table: MirrorTable,
  account: string,
  cursor: string | undefined,
  here: number,
): Promise<number> {
  await planForMany(tx)
  const mirror = sql.table(`mirror.${table.name}`)
  let listed = 0n
  if (read.purpose === 'sweep') {
    const isDeleted = await isSoftDeleted(tx, table, account)
    const isRespelled = sql`s.key <> ${keyOf(table)}`
    const differs =
      cursor === undefined
        ? isRespelled
        : sql`(${isRespelled} or ${sql.ref(`m.${cursor}`)}::text is distinct from s.cursor)`
    const { numAffectedRows = 0n } = await sql`${patient}
      insert into worker.unsettled_keys (read_id, key)
      select ${read.id}, s.key from worker.staged_keys s
      left join ${mirror} m on m._account = ${account} and ${isStaged(table)}
      where s.read_id = ${read.id}
        and (m._account is null or ${differs} or (m._deleted_at is not null and not ${isDeleted}))`.execute(tx)
    listed += numAffectedRows
  }
  const { numAffectedRows = 0n } = await sql`${patient}
    insert into worker.unsettled_keys (read_id, key)
    select ${read.id}, ${keyOf(table)} from ${missingThere(table, account, read.id)}`.execute(tx)
  await sql`${patient} delete from worker.staged_keys where read_id = ${read.id}`.execute(tx)
  await sql`update worker.full_reads set phase = 'settling', here = ${here} where id = ${read.id}`.execute(tx)
  return Number(listed + numAffectedRows)
}

export async function findUnsettled(
  tx: Pick<FencedTransaction, 'selectFrom'>,
  readId: string,
  limit: number,
): Promise<readonly { readonly id: string; readonly key: Position }[]> {
  return tx
    .selectFrom('worker.unsettled_keys')
    .select(['id', 'key'])
    .where('read_id', '=', readId)
    .orderBy('id')
    .limit(limit)
    .execute()
}

export async function forgetUnsettled(tx: FencedTransaction, readId: string, upToId: string): Promise<void> {
  await tx.deleteFrom('worker.unsettled_keys').where('read_id', '=', readId).where('id', '<=', upToId).execute()
}

/** Whether a staged key `s` is that of the mirror's row `m`. */
function isStaged(table: MirrorTable): RawBuilder<unknown> {
  return isKeyOf(table, at => sql`s.key[${sql.lit(at + 1)}]`)
}

function keyOf({ key }: MirrorTable): RawBuilder<unknown> {
  return sql`array[${sql.join(key.map(name => sql`${sql.ref(`m.${name}`)}::text`))}]`
}
