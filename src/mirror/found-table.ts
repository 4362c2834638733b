import { type AliasedRawBuilder, sql } from 'kysely'
import type { StoreReader } from '../store/store.ts'

/** What is there of a mirror table. */
export interface FoundTable {
  /** Names with types, in their order; empty if there is no table. */
  readonly columns: ReadonlyMap<string, string>
  /** Its changes are numbered. */
  readonly isCounted: boolean
  /** The store's time, in milliseconds. */
  readonly now: number
}

/** The row that `readFoundTable` reads. */
export interface FoundRow {
  readonly now: Date
  readonly is_counted: boolean
  readonly names: readonly string[]
  readonly types: readonly string[]
}

/** A query of one row, for `from`, so that it can be joined with what else is looked up. */
export function lookUpTable(name: string): AliasedRawBuilder<FoundRow, 'found'> {
  return sql<FoundRow>`(
    select now() as now, exists (select from worker.change_counters where mirror = ${name}) as is_counted,
      coalesce(array_agg(a.attname::text order by a.attnum), '{}') as names,
      coalesce(array_agg(format_type(a.atttypid, a.atttypmod) order by a.attnum), '{}') as types
    from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_namespace n on n.oid = c.relnamespace
    where n.nspname = 'mirror' and c.relname = ${name} and a.attnum > 0 and not a.attisdropped)`.as('found')
}

export function readFoundTable({ names, types, is_counted: isCounted, now }: FoundRow): FoundTable {
  return { columns: new Map(names.map((name, at) => [name, types[at] ?? ''])), isCounted, now: now.getTime() }
}

export async function findTable(store: StoreReader, name: string): Promise<FoundTable> {
  return readFoundTable(await store.selectFrom(lookUpTable(name)).selectAll().executeTakeFirstOrThrow())
}
