import { sql } from 'kysely'
import { RefusalError } from '../errors.ts'
import type { Told } from '../explanation.ts'
import type { FencedTransaction } from '../store/store.ts'
import { type FoundTable, findTable } from './found-table.ts'

/** A table in schema `mirror`: the rows of one remote table, as each account sees them. */
export interface MirrorTable {
  readonly name: string
  readonly columns: readonly MirrorColumn[]
  readonly key: readonly string[]
  readonly softDelete?: SoftDelete | undefined
}

/** The column that marks a row as deleted, and how: by its type, or by the job's own rule. */
export interface SoftDelete {
  readonly column: string
  readonly isDeleted?: ((value: unknown) => boolean) | undefined
}

export interface MirrorColumn {
  readonly name: string
  /** The full name in Postgres: `timestamp with time zone`, not `timestamptz`. */
  readonly type: string
  /** The path to its value in a row of the page; if absent, the value is found by the column's name. */
  readonly path?: readonly [string, string, ...string[]]
  /** Removed from the document: it is null in every row that is written. */
  readonly isGone?: true
}

export interface EnsuredTable {
  /** Includes columns kept from an earlier document, which are null from now on. */
  readonly table: MirrorTable
  /** It has no rows yet. */
  readonly isNew: boolean
  /** Columns that existing rows have no values for yet. */
  readonly added: readonly string[]
}

export const ownColumns: ReadonlySet<string> = new Set([
  '_account',
  '_synced_at',
  '_deleted_at',
  '_revived_at',
  '_change',
])

/** @returns whether `ensureMirrorTable` would change nothing and refuse nothing */
export function isEnsured({ columns, isCounted }: FoundTable, table: MirrorTable): boolean {
  return isCounted && isOurs(columns) && table.columns.every(({ name, type }) => columns.get(name) === type)
}

function isOurs(columns: FoundTable['columns']): boolean {
  return columns.has('_account') && columns.has('_change')
}

/**
 * Creates the table, or adds the columns that the document has gained. A column removed from the document stays. One whose type
 * has changed is refused, because old and new rows wouldn't compare.
 *
 * @param former the columns that were read before; any others belong to someone else
 * @throws RefusalError (`mirror-table`)
 */
export async function ensureMirrorTable(
  tx: FencedTransaction,
  table: MirrorTable,
  former: readonly string[] = [],
): Promise<EnsuredTable> {
  // Runs of several accounts may get here at once, and concurrent "create table if not exists" statements can fail.
  await sql`select pg_advisory_xact_lock(hashtext(${`mirror.${table.name}`}))`.execute(tx)
  const { columns: existing, isCounted } = await findTable(tx, table.name)
  if (existing.size === 0) {
    await ensureMirrorSchema(tx)
    await createTable(tx, table)
    return { table, isNew: true, added: [] }
  }
  if (!isOurs(existing)) {
    throw refusal({
      found: `mirror.${table.name} is a table that this worker didn't create`,
      remedy: 'choose another "into" for the job, or drop the table',
    })
  }
  if (!isCounted) await ensureCounter(tx, table.name)
  for (const { name, type } of table.columns) {
    const found = existing.get(name)
    if (found === undefined) {
      await sql`alter table ${sql.table(`mirror.${table.name}`)} add column ${sql.ref(name)} ${sql.raw(type)}`.execute(
        tx,
      )
    } else if (found !== type) {
      throw refusal({
        found: `Column "${name}" of mirror.${table.name} is ${found}, but the API now has ${type}`,
        // Without `reset` the checkpoint would still hold a cursor of the former type.
        remedy: `either alter the column to ${type}, drop the table or choose another "into" for the job, and then run "npm run -s cli -- reset JOB" to fill it again`,
      })
    }
  }
  const kept = [...existing]
    .filter(
      ([name]) => former.includes(name) && !ownColumns.has(name) && !table.columns.some(column => column.name === name),
    )
    .map(([name, type]) => ({ name, type, isGone: true as const }))
  const added = table.columns.flatMap(({ name }) => (existing.has(name) ? [] : name))
  return { table: { ...table, columns: [...table.columns, ...kept] }, isNew: false, added }
}

/** Whether the account has rows in it, including deleted ones. */
export async function hasRows(tx: FencedTransaction, table: MirrorTable, account: string): Promise<boolean> {
  const { rows } =
    await sql`select from ${sql.table(`mirror.${table.name}`)} where _account = ${account} limit 1`.execute(tx)
  return rows.length > 0
}

/** It is missing if somebody dropped it, or restored schema `worker` alone. Runs for several tables may get here at once. */
async function ensureMirrorSchema(tx: FencedTransaction): Promise<void> {
  if (await hasMirrorSchema(tx)) return
  await sql`select pg_advisory_xact_lock(hashtext('mirror'))`.execute(tx)
  if (!(await hasMirrorSchema(tx))) await sql`create schema mirror`.execute(tx)
}

/** `to_regnamespace` would answer from the session's cache, also after waiting for the one that made it. */
async function hasMirrorSchema(tx: FencedTransaction): Promise<boolean> {
  const { rows } = await sql`select from pg_namespace where nspname = 'mirror'`.execute(tx)
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

/** The row is missing if only one of the two schemas was restored. Numbering then continues after the table's last change. */
async function ensureCounter(tx: FencedTransaction, name: string): Promise<void> {
  await sql`
    insert into worker.change_counters (mirror, last)
    select ${name}, coalesce(max(_change), 0) from ${sql.table(`mirror.${name}`)}
    where not exists (select from worker.change_counters where mirror = ${name})
    on conflict do nothing`.execute(tx)
}

function refusal(told: Told): RefusalError {
  return new RefusalError('mirror-table', 'job', told)
}
