import { type RawBuilder, sql } from 'kysely'
import type { Rows } from '../hasura/rows.ts'
import { prepared } from '../store/prepared-statements.ts'
import type { Position } from '../store/schema.ts'
import type { FencedTransaction } from '../store/store.ts'
import { nextChanges } from './change-counter.ts'
import type { MirrorTable } from './mirror-table.ts'
import { columnValue, isKeyOf, keysOf, type PageRows, sameKey, unnestPage } from './page-rows.ts'

export interface WrittenRows {
  /** Without deleted rows. */
  readonly inserted: number
  readonly updated: number
  /** According to their soft-delete column, whether they existed before or not. */
  readonly deleted: number
  readonly revived: number
  /** Rows that a transform omitted and that weren't in the mirror; absent if there were none. */
  readonly leftOut?: number
}

export const none: WrittenRows = { inserted: 0, updated: 0, deleted: 0, revived: 0 }

/**
 * Writes the rows of one page, except unchanged ones. No two may have the same key.
 *
 * It locks the table's change counter until the transaction commits, so call it last.
 */
export async function mergePage(
  tx: FencedTransaction,
  table: MirrorTable,
  account: string,
  page: PageRows,
): Promise<WrittenRows> {
  const counter = sql`counter as (${nextChanges(table.name, page.count)})`
  const { rows } = await sql<WrittenRows>`${prepared} with ${counter}, ${merging(table, account, page)}`.execute(tx)
  const written = rows[0] ?? none
  if (!page.leftOut?.length) return written
  const deleted = await markDeleted(tx, table, account, page.leftOut)
  return { ...written, deleted: written.deleted + deleted, leftOut: page.leftOut.length - deleted }
}

/**
 * A faster form for a page without rows that were left out: one statement that is its own transaction.
 *
 * @param save a statement that saves the checkpoint, if its condition holds
 */
export function mergeStatement(
  table: MirrorTable,
  account: string,
  page: PageRows,
  save?: SaveStatement,
): (held: RawBuilder<boolean>) => RawBuilder<WrittenRows> {
  const saved = save ? sql`saved as (${save(isCounted)}),` : sql``
  return held => sql`${prepared}
    with counter as (${nextChanges(table.name, page.count, held)}), ${saved} ${merging(table, account, page, isCounted)}
    having ${isCounted}`
}

/**
 * A faster form for an account that has none of the rows yet: one statement that is its own transaction. If the account has one
 * of them, it fails (SQLSTATE 23505).
 *
 * @param save a statement that records the position, if its condition holds
 */
export function insertPage(
  table: MirrorTable,
  account: string,
  page: PageRows,
  save: SaveStatement,
): (held: RawBuilder<boolean>) => RawBuilder<unknown> {
  return held => sql`${prepared}
    with counter as (${nextChanges(table.name, page.count, held)}), saved as (${save(isCounted)})
    ${insertion(table, account, page)} where ${isCounted}`
}

/** A statement for a transaction, or for a part of one statement, that writes only if `condition` holds. */
export type SaveStatement = (condition?: RawBuilder<boolean>) => RawBuilder<unknown>

const isCounted = sql<boolean>`exists (select from counter)`

/** Writes the rows of a page that differ, and counts them. */
function merging(
  table: MirrorTable,
  account: string,
  page: PageRows,
  condition: RawBuilder<boolean> = sql`true`,
): RawBuilder<unknown> {
  return sql`
    written as (
      ${insertion(table, account, page)} where ${condition}
      on conflict (_account, ${columnList(table.key)}) do update set ${replacement(table)}
      where ${compared('m', table)} *<> ${compared('excluded', table)}
      returning xmax = 0 as inserted, coalesce(_deleted_at = now(), false) as deleted,
        coalesce(_revived_at = now(), false) as revived
    )
    select count(*) filter (where inserted and not deleted)::int as inserted,
      count(*) filter (where not (inserted or deleted or revived))::int as updated,
      count(*) filter (where deleted)::int as deleted,
      count(*) filter (where not inserted and revived)::int as revived
    from written`
}

/** Inserts all rows of a page, numbered from the `base` of `counter`. */
function insertion(table: MirrorTable, account: string, page: PageRows): RawBuilder<unknown> {
  const deletedAt = page.deleted
    ? sql`case when (${`{${page.deleted.join()}}`}::boolean[])[page._row] then now() end`
    : sql`null`
  return sql`
    insert into ${sql.table(`mirror.${table.name}`)} as m
      (_account, ${columnList(table.columns.map(({ name }) => name))}, _synced_at, _deleted_at, _change)
    select ${account}, ${sql.join(table.columns.map(columnValue))}, now(), ${deletedAt},
      (select base from counter) + page._row
    from ${unnestPage(page, table.columns)}`
}

/** Includes the key: an equal one may have another spelling now. */
function replacement(table: MirrorTable): RawBuilder<unknown> {
  const replaced = [...table.columns.map(({ name }) => name), '_synced_at', '_change'].map(
    name => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`,
  )
  return sql`${sql.join(replaced)},
    _deleted_at = case when excluded._deleted_at is not null then coalesce(m._deleted_at, excluded._deleted_at) end,
    _revived_at = case when m._deleted_at is not null and excluded._deleted_at is null then now() else m._revived_at end`
}

/** Compares digit by digit: `is distinct from` treats 1.0 and 1.00 as equal. */
function compared(row: 'm' | 'excluded', table: MirrorTable): RawBuilder<unknown> {
  const values = table.columns.map(({ name }) => sql.ref(`${row}.${name}`))
  return sql`row(${sql.join([sql`${sql.ref(`${row}._deleted_at`)} is null`, ...values])})::record`
}

function columnList(names: readonly string[]): RawBuilder<unknown> {
  return sql.join(names.map(name => sql.ref(name)))
}

/**
 * Keeps the rows with these keys and sets their `_deleted_at`.
 *
 * @param present pages with the keys of rows that exist after all
 * @returns how many were newly marked
 */
export async function markDeleted(
  tx: FencedTransaction,
  table: MirrorTable,
  account: string,
  keys: readonly Position[],
  present: readonly Rows[] = [],
): Promise<number> {
  const isGone = isKeyOf(table, at => sql`gone.key ->> ${sql.lit(at)}`)
  const missing = present.map(page => sql` and not exists (select from ${keysOf(page, table)} where ${sameKey(table)})`)
  const { numAffectedRows } = await sql`
    with counter as (${nextChanges(table.name, keys.length)})
    update ${sql.table(`mirror.${table.name}`)} as m
    set _deleted_at = now(), _synced_at = now(), _change = (select base from counter) + gone.n
    from jsonb_array_elements(${JSON.stringify(keys)}::jsonb) with ordinality as gone (key, n)
    where m._account = ${account} and m._deleted_at is null and ${isGone}
      ${sql.join(missing, sql``)}`.execute(tx)
  return Number(numAffectedRows ?? 0n)
}
