import type { Explanation } from '../explanation.ts'
import { migrationStatements } from './migrations.ts'
import type { Asked } from './missing-privileges.ts'

/** The names of all tables and functions that migrations create. */
const ownNames = [...migrationStatements.values()]
  .flat()
  .flatMap(statement => [
    ...statement.matchAll(/\bcreate (?:or replace )?(?:unlogged )?(?:table|function) worker\.(\w+)/g),
  ])
  .flatMap(([, name]) => name ?? [])

/** A table or function in schema `worker` that no migration created, if none was applied yet: the schema is another program's. */
export const foreignObject = `
  select object from (
    select 'table ' || c.relname as object, c.relname as name from pg_catalog.pg_class c
    where c.relnamespace = to_regnamespace('worker') and c.relkind in ('r', 'p', 'v', 'm', 'f')
    union all
    select 'function ' || f.proname, f.proname from pg_catalog.pg_proc f where f.pronamespace = to_regnamespace('worker')
  ) there
  where to_regclass('worker.kysely_migration') is null and name not in (${ownNames.map(name => `'${name}'`).join(', ')})
  order by object limit 1`

export const foreignRemedy = 'create a database of its own and name it in DATABASE_URL'

/** Migrations replace functions and create tables with common names, so schema `worker` can't be shared with another program. */
export async function findForeignSchema(client: Asked): Promise<Explanation | undefined> {
  const { rows } = await client.query<{ object: string }>(foreignObject, [])
  const [first] = rows
  if (!first) return undefined
  return {
    found: `Schema "worker" of this database belongs to another program: it has ${first.object}`,
    remedy: foreignRemedy,
  }
}
