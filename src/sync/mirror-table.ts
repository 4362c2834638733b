import { sql } from 'kysely'
import { PermanentError } from '../errors.ts'
import type { FencedTransaction } from '../store/store.ts'

/** A table of schema `mirror`: the rows of one remote table as each account sees them. */
export interface MirrorTable {
  readonly name: string
  readonly columns: readonly MirrorColumn[]
  readonly key: readonly string[]
}

export interface MirrorColumn {
  readonly name: string
  /** As Postgres writes it out in full: `timestamp with time zone`, not `timestamptz`. */
  readonly type: string
}

/**
 * Creates the table, or adds the columns that the document has gained. A column that the document lost stays and keeps its
 * values; one whose type has changed is refused, because the rows of both would not compare.
 */
export async function ensureMirrorTable(tx: FencedTransaction, table: MirrorTable): Promise<void> {
  // Runs of several accounts may come here at once, and "create table if not exists" doesn't wait for itself.
  await sql`select pg_advisory_xact_lock(hashtext(${`mirror.${table.name}`}))`.execute(tx)
  const existing = await findColumnTypes(tx, table.name)
  if (existing.size === 0) {
    await createTable(tx, table)
    return
  }
  for (const column of table.columns) {
    const found = existing.get(column.name)
    if (found === undefined) {
      await sql`alter table ${sql.table(`mirror.${table.name}`)} add column ${sql.ref(column.name)} ${sql.raw(column.type)}`.execute(
        tx,
      )
    } else if (found !== column.type) {
      throw new PermanentError(
        'mirror-type',
        `Column "${column.name}" of mirror.${table.name} is ${found} and the API now gives ${column.type}: alter the column or drop the table, then run "reset" for its job.`,
      )
    }
  }
}

async function createTable(tx: FencedTransaction, { name, columns, key }: MirrorTable): Promise<void> {
  const definitions = columns.map(column => sql`${sql.ref(column.name)} ${sql.raw(column.type)}`)
  await sql`create table ${sql.table(`mirror.${name}`)} (
    _account text not null,
    ${sql.join(definitions)},
    _synced_at timestamptz not null,
    _deleted_at timestamptz,
    primary key (_account, ${sql.join(key.map(column => sql.ref(column)))})
  )`.execute(tx)
}

async function findColumnTypes(tx: FencedTransaction, table: string): Promise<Map<string, string>> {
  const { rows } = await sql<{ column_name: string; data_type: string }>`
    select column_name, data_type from information_schema.columns
    where table_schema = 'mirror' and table_name = ${table}`.execute(tx)
  return new Map(rows.map(row => [row.column_name, row.data_type]))
}
