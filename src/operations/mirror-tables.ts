import { sql } from 'kysely'
import { tablesOf } from '../definitions/account-jobs.ts'
import { NotFoundError, UsageError } from '../errors.ts'
import { findMirrorTables } from '../mirror/find-mirror-tables.ts'
import { explainUnknown } from '../names/find-named.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import type { Store } from '../store/store.ts'

/**
 * @param wanted with or without its schema
 * @returns its name without the schema
 * @throws NotFoundError if there is no such table; UsageError if its job has not run yet
 */
export async function requireMirrorTable(
  { store, jobs }: Pick<RunDeps, 'store' | 'jobs'>,
  wanted: string,
): Promise<string> {
  const table = wanted.replace(/^mirror\./, '')
  const tables = await findMirrorTables(store)
  if (!tables.includes(table)) refuseUnknown(table, tables, jobs)
  return table
}

function refuseUnknown(table: string, tables: readonly string[], jobs: RunDeps['jobs']): never {
  const job = jobs.get(table)
  if (job && tablesOf(job).length > 0) {
    throw new UsageError({ found: `"${table}" is a job`, remedy: `its rows are in ${tablesOf(job).join(', ')}` })
  }
  const all = [...jobs.values()]
  const maker = all.find(each => tablesOf(each).includes(table))
  if (maker) {
    throw new UsageError({
      found: `Mirror table "${table}" does not exist yet`,
      remedy: `${maker.name} creates it in its first run`,
    })
  }
  const names = new Set([...tables, ...all.flatMap(tablesOf)])
  throw new NotFoundError(explainUnknown('mirror table', table, names))
}

/** The columns of its primary key, in the key's order. */
export async function findPrimaryKey(store: Store, table: string): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select a.attname as name
    from pg_index i
    join pg_class c on c.oid = i.indrelid
    join pg_namespace n on n.oid = c.relnamespace
    cross join unnest(i.indkey) with ordinality as k (attnum, place)
    join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
    where n.nspname = 'mirror' and c.relname = ${table} and i.indisprimary
    order by k.place`.execute(store)
  return rows.map(({ name }) => name)
}
