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

/**
 * A table or function in schema `worker` that neither a migration nor an extension created, if none was applied yet: the schema is
 * another program's. It needs no privilege on the schema.
 */
export const foreignObject = `
  select object from (
    select 'table ' || c.relname as object, c.relname as name, c.tableoid as class, c.oid from pg_catalog.pg_class c
    where c.relnamespace = to_regnamespace('worker') and c.relkind in ('r', 'p', 'v', 'm', 'f')
    union all
    select 'function ' || f.proname, f.proname, f.tableoid, f.oid from pg_catalog.pg_proc f
    where f.pronamespace = to_regnamespace('worker')
  ) there
  where name not in (${ownNames.map(name => `'${name}'`).join(', ')})
    and not exists (
      select from pg_catalog.pg_class where relnamespace = to_regnamespace('worker') and relname = 'kysely_migration'
    )
    and not exists (
      select from pg_catalog.pg_depend d where d.classid = there.class and d.objid = there.oid and d.deptype = 'e'
    )
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
