import { sql } from 'kysely'
import { RefusalError, type Told } from '../errors.ts'
import type { FencedTransaction } from '../store/store.ts'

/** A table of schema `mirror`: the rows of one remote table as each account sees them. */
export interface MirrorTable {
  readonly name: string
  readonly columns: readonly MirrorColumn[]
  readonly key: readonly string[]
  readonly softDelete?: SoftDelete | undefined
}

/** A column that says that a row is deleted, and how: by the rule of its type, or by the job's own. */
export interface SoftDelete {
  readonly column: string
  readonly isDeleted?: ((value: unknown) => boolean) | undefined
}

export interface MirrorColumn {
  readonly name: string
  /** As Postgres writes it out in full: `timestamp with time zone`, not `timestamptz`. */
  readonly type: string
  /** Where its value stands in a row of the page; by its name alone when absent. */
  readonly path?: readonly [string, string, ...string[]]
  /** The document has lost it: it is null in every row that is written. */
  readonly isGone?: true
}

export interface EnsuredTable {
  /** With the columns that the table kept from an earlier document: they are null from now on. */
  readonly table: MirrorTable
  /** It holds no rows yet. */
  readonly isNew: boolean
}

export const ownColumns: ReadonlySet<string> = new Set([
  '_account',
  '_synced_at',
  '_deleted_at',
  '_revived_at',
  '_change',
])

/**
 * Creates the table, or adds the columns that the document has gained. A column that the document lost stays; one whose type
 * has changed is refused, because the rows of both would not compare.
 *
 * @param former the columns that it was read with before; others that it has are somebody else's
 * @throws RefusalError (`mirror-table`)
 */
export async function ensureMirrorTable(
  tx: FencedTransaction,
  table: MirrorTable,
  former: readonly string[] = [],
): Promise<EnsuredTable> {
  // Runs of several accounts may come here at once, and "create table if not exists" doesn't wait for itself.
  await sql`select pg_advisory_xact_lock(hashtext(${`mirror.${table.name}`}))`.execute(tx)
  const existing = await findColumnTypes(tx, table.name)
  if (existing.size === 0) {
    await createTable(tx, table)
    return { table, isNew: true }
  }
  if (!existing.has('_account') || !existing.has('_change')) {
    throw refusal({
      found: `mirror.${table.name} is not a table that this worker made`,
      remedy: 'give the job another "into", or drop the table',
    })
  }
  await ensureCounter(tx, table.name)
  for (const { name, type } of table.columns) {
    const found = existing.get(name)
    if (found === undefined) {
      await sql`alter table ${sql.table(`mirror.${table.name}`)} add column ${sql.ref(name)} ${sql.raw(type)}`.execute(
        tx,
      )
    } else if (found !== type) {
      throw refusal({
        found: `Column "${name}" of mirror.${table.name} is ${found} and the API now gives ${type}`,
        remedy: `either alter the column to ${type}, or drop the table; then run "reset" for its job to fill it again`,
      })
    }
  }
  const kept = [...existing]
    .filter(
      ([name]) => former.includes(name) && !ownColumns.has(name) && !table.columns.some(column => column.name === name),
    )
    .map(([name, type]) => ({ name, type, isGone: true as const }))
  return { table: { ...table, columns: [...table.columns, ...kept] }, isNew: false }
}

/** Whether the account has rows in it, deleted or not. */
export async function hasRows(tx: FencedTransaction, table: MirrorTable, account: string): Promise<boolean> {
  const { rows } =
    await sql`select from ${sql.table(`mirror.${table.name}`)} where _account = ${account} limit 1`.execute(tx)
  return rows.length > 0
}

async function createTable(tx: FencedTransaction, { name, columns, key }: MirrorTable): Promise<void> {
  const mirror = sql.table(`mirror.${name}`)
  const definitions = columns.map(column => sql`${sql.ref(column.name)} ${sql.raw(column.type)}`)
  await sql`create table ${mirror} (
    _account text not null,
    ${sql.join(definitions)},
    _synced_at timestamptz not null,
    _deleted_at timestamptz,
    _revived_at timestamptz,
    _change bigint not null,
    primary key (_account, ${sql.join(key.map(column => sql.ref(column)))})
  )`.execute(tx)
  await sql`create unique index on ${mirror} (_change)`.execute(tx)
  await ensureCounter(tx, name)
}

/** Where it is missing, because one schema was restored without the other, it goes on behind what the table holds. */
async function ensureCounter(tx: FencedTransaction, name: string): Promise<void> {
  await sql`
    insert into worker.change_counters (mirror, last)
    select ${name}, coalesce(max(_change), 0) from ${sql.table(`mirror.${name}`)}
    where not exists (select from worker.change_counters where mirror = ${name})
    on conflict do nothing`.execute(tx)
}

async function findColumnTypes(tx: FencedTransaction, table: string): Promise<Map<string, string>> {
  const { rows } = await sql<{ name: string; type: string }>`
    select a.attname as name, format_type(a.atttypid, a.atttypmod) as type
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'mirror' and c.relname = ${table} and a.attnum > 0 and not a.attisdropped
    order by a.attnum`.execute(tx)
  return new Map(rows.map(row => [row.name, row.type]))
}

function refusal(told: Told): RefusalError {
  return new RefusalError('mirror-table', 'job', told)
}
