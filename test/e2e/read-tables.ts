import { sql } from 'kysely'
import type { Store } from '../../src/store/store.ts'

export interface TableContent {
  /** With its schema. */
  readonly name: string
  /** Every row with every column, as JSON. */
  readonly rows: string
}

/** All that a database holds. */
export async function readTables(store: Store): Promise<TableContent[]> {
  const { rows: tables } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, tablename) as name from pg_tables
    where schemaname not in ('pg_catalog', 'information_schema')`.execute(store)
  const contents: TableContent[] = []
  for (const { name } of tables) {
    const { rows } = await sql<{ rows: string }>`
      select coalesce(json_agg(t), '[]')::text as rows from ${sql.raw(name)} t`.execute(store)
    for (const content of rows) contents.push({ name, ...content })
  }
  return contents
}
