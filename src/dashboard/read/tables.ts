import { type RawBuilder, sql } from 'kysely'
import { lastChanges } from '../../mirror/change-counter.ts'
import { findMirrorTables } from '../../mirror/find-mirror-tables.ts'
import { findTable } from '../../mirror/found-table.ts'
import { findPrimaryKey } from '../../operations/mirror-tables.ts'
import type { Reading } from '../../operations/operation.ts'
import { onlyRow, own } from './reading.ts'

/** Rows that are counted; for a larger table, Postgres' estimate is shown. */
const mostCounted = 20_000
/** Hours of the chart. */
const hours = 24

export interface TableRow {
  readonly name: string
  /** Tombstones included; an estimate where `isEstimate` says so. */
  readonly rows: number
  readonly isEstimate: boolean
  readonly last_change: string | null
}

export async function findTables({ deps: { store } }: Reading): Promise<readonly TableRow[]> {
  const names = await findMirrorTables(store)
  if (names.length === 0) return []
  const { rows } = await sql<{ name: string; rows: number; last_change: string | null }>`
    select c.relname as name, greatest(c.reltuples, 0)::float8 as rows, k.last::text as last_change
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    left join (${lastChanges(names)}) k on k.mirror = c.relname
    where n.nspname = 'mirror' and c.relname = any(${names}::text[]) order by c.relname`.execute(store)
  return Promise.all(
    rows.map(async row => {
      if (row.rows > mostCounted) return { ...row, isEstimate: true }
      const counted = await countUpTo(store, row.name)
      return {
        ...row,
        rows: Math.max(counted, counted > mostCounted ? row.rows : 0),
        isEstimate: counted > mostCounted,
      }
    }),
  )
}

async function countUpTo(store: Reading['deps']['store'], name: string): Promise<number> {
  const { rows } = await sql<{ rows: number }>`
    select count(*)::int as rows from (select from ${sql.id('mirror', name)} limit ${mostCounted + 1}) first`.execute(
    store,
  )
  return onlyRow(rows).rows
}

export interface TableFacts {
  readonly columns: readonly { readonly name: string; readonly type: string }[]
  readonly key: readonly string[]
  /** Of the rows that changed last, counted up to 20,000. */
  readonly changedLately: number
  readonly tombstones: number
  /** Rows by the hour of their last change, the current hour last. */
  readonly perHour: readonly number[]
}

/** Facts about a mirror table from its newest changes, found by the index of `_change`. */
export async function findTableFacts(reading: Reading, name: string): Promise<TableFacts> {
  const { store } = reading.deps
  const columns = await findColumns(store, name)
  const { rows } = await sql<{ ago: number; rows: number; gone: number }>`
    select least(floor(extract(epoch from now() - m._synced_at) / 3600), ${hours})::int as ago, count(*)::int as rows,
      count(*) filter (where m._deleted_at is not null)::int as gone
    from (select _account, _synced_at, _deleted_at from ${sql.id('mirror', name)} order by _change desc limit ${mostCounted}) m
    where ${own(reading, 'm._account')} group by 1`.execute(store)
  const byAgo = new Map(rows.map(row => [row.ago, row.rows]))
  return {
    columns,
    key: await findPrimaryKey(store, name),
    changedLately: rows.reduce((sum, row) => sum + row.rows, 0),
    tombstones: rows.reduce((sum, row) => sum + row.gone, 0),
    perHour: Array.from({ length: hours }, (_, index) => byAgo.get(hours - 1 - index) ?? 0),
  }
}

export async function findColumns(
  store: Reading['deps']['store'],
  table: string,
): Promise<readonly { readonly name: string; readonly type: string }[]> {
  const { columns } = await findTable(store, table)
  return [...columns].map(([name, type]) => ({ name, type }))
}

/** The columns of a row `m`, each as text of bounded length. */
export function selectTexts(columns: readonly string[]): RawBuilder<unknown> {
  return sql.join(columns.map(column => sql`left(m.${sql.id(column)}::text, 200) as ${sql.id(column)}`))
}

/** The rows that changed last, each the values of its columns as Postgres writes them. */
export async function findLatestRows(
  reading: Reading,
  name: string,
  columns: readonly string[],
  limit: number,
): Promise<readonly Readonly<Record<string, string | null>>[]> {
  const { rows } = await sql<Readonly<Record<string, string | null>>>`
    select ${selectTexts(columns)} from ${sql.id('mirror', name)} m
    where ${own(reading, 'm._account')} order by m._change desc limit ${limit}`.execute(reading.deps.store)
  return rows
}
