import type { Explanation } from '../explanation.ts'
import type { Asked } from './missing-privileges.ts'

/**
 * Whether the system's or ICU's collation has changed since the database's indexes were built, as after an upgrade of the system. An
 * index in the old order misses rows and accepts equal keys twice. Postgres 15 and later record the version.
 */
export async function findCollationChange(client: Asked): Promise<Explanation | undefined> {
  const server = await client.query<{ version: number }>(
    `select current_setting('server_version_num')::int as version`,
    [],
  )
  if ((server.rows[0]?.version ?? 0) < 150_000) return undefined
  const { rows } = await client.query<{ name: string; quoted: string; recorded: string; actual: string }>(
    `select d.datname as name, quote_ident(d.datname) as quoted, d.datcollversion as recorded, actual
     from pg_catalog.pg_database d, pg_catalog.pg_database_collation_actual_version(d.oid) actual
     where d.datname = current_database() and d.datcollversion <> actual`,
    [],
  )
  const [change] = rows
  if (!change) return undefined
  const { name, quoted, recorded, actual } = change
  return {
    found: `The collation of database "${name}" has changed from version ${recorded} to ${actual}, so its indexes of text may miss rows`,
    remedy: `stop the workers and run as the owner: reindex database ${quoted}; alter database ${quoted} refresh collation version`,
  }
}
