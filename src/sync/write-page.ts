import { type RawBuilder, sql } from 'kysely'
import type { FencedTransaction } from '../store/store.ts'
import type { MirrorTable } from './mirror-table.ts'

export interface WrittenRows {
  readonly inserted: number
  readonly updated: number
}

/**
 * Writes the rows of one page, unchanged ones not at all. Postgres reads them out of the response's own text, so digits and
 * microseconds never pass through JavaScript's numbers and dates.
 *
 * @param body the response: `{"data": {"<rootField>": [rows]}}`
 */
export async function writePage(
  tx: FencedTransaction,
  table: MirrorTable,
  account: string,
  rootField: string,
  body: string,
): Promise<WrittenRows> {
  return writeRows(tx, table, account, sql`(${body}::json) -> 'data' -> ${rootField}`)
}

/**
 * The same for rows that are a JSON array by themselves, such as those of a REST API's page. No two may have the same key.
 *
 * @param rows `[row, …]` as text
 */
export async function writeJsonRows(
  tx: FencedTransaction,
  table: MirrorTable,
  account: string,
  rows: string,
): Promise<WrittenRows> {
  return writeRows(tx, table, account, sql`${rows}::json`)
}

async function writeRows(
  tx: FencedTransaction,
  table: MirrorTable,
  account: string,
  page: RawBuilder<unknown>,
): Promise<WrittenRows> {
  const names = table.columns.map(column => column.name)
  const others = names.filter(name => !table.key.includes(name))
  const columns = sql.join(names.map(name => sql.ref(name)))
  const typed = sql.join(table.columns.map(column => sql`${sql.ref(column.name)} ${sql.raw(column.type)}`))
  const assignments = [...others, '_synced_at'].map(name => sql`${sql.ref(name)} = ${sql.ref(`excluded.${name}`)}`)
  const before = sql.join([...others, '_deleted_at'].map(name => sql.ref(`m.${name}`)))
  const after = sql.join([...others, '_deleted_at'].map(name => sql.ref(`excluded.${name}`)))
  const { rows } = await sql<{ inserted: number; updated: number }>`
    with written as (
      insert into ${sql.table(`mirror.${table.name}`)} as m (_account, ${columns}, _synced_at)
      select ${account}, ${columns}, now()
      from json_to_recordset(${page}) as page (${typed})
      on conflict (_account, ${sql.join(table.key.map(column => sql.ref(column)))}) do update
        set ${sql.join([...assignments, sql`_deleted_at = null`])}
        where (${before}) is distinct from (${after})
      returning (xmax = 0) as inserted
    )
    select count(*) filter (where inserted)::int as inserted, count(*) filter (where not inserted)::int as updated
    from written`.execute(tx)
  return rows[0] ?? { inserted: 0, updated: 0 }
}
