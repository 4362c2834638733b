import type { Explanation } from '../errors.ts'

/** A connection, of the smallest shape that a question needs. */
export interface Asked {
  query<R extends object>(text: string, values: unknown[]): Promise<{ readonly rows: readonly R[] }>
}

/** A schema that the worker uses, and whether it is going to make something in it. */
export interface NeededSchema {
  readonly name: string
  readonly isFilled: boolean
}

/**
 * What the user of a connection may not do although the worker will need it: to make the schemas that are missing, to make tables
 * where there are some to make, to read and write those that are there.
 *
 * @returns undefined when nothing is missing
 */
export async function findMissingPrivileges(
  client: Asked,
  schemas: readonly NeededSchema[],
): Promise<Explanation | undefined> {
  const { rows } = await client.query<{ user: string; lacks: string; grant: string }>(question, [
    schemas.map(({ name }) => name),
    schemas.map(({ isFilled }) => isFilled),
  ])
  const [first] = rows
  if (!first) return undefined
  return {
    found: `User "${first.user}" of DATABASE_URL lacks ${rows.map(({ lacks }) => lacks).join('; ')}`,
    remedy: `run as the owner or a superuser: ${rows.map(({ grant }) => grant).join('; ')}`,
  }
}

const question = `
  with needed as (
    select n.name, n.is_filled, s.oid from unnest($1::text[], $2::boolean[]) n (name, is_filled)
    left join pg_catalog.pg_namespace s on s.nspname = n.name
  ), lacking as (
    select 1 as rank, 'CREATE' as privileges, format('database %I', current_database()) as place, null as shown
    where exists (select from needed where oid is null) and not has_database_privilege(current_database(), 'create')
    union all
    select 2, upper(p.name), format('schema %I', n.name), null
    from needed n cross join (values ('usage'), ('create')) p (name)
    where n.oid is not null and (p.name = 'usage' or n.is_filled) and not has_schema_privilege(n.oid, p.name)
    union all
    select 3, string_agg(distinct upper(p.name), ', '), format('all tables in schema %I', n.name),
      case count(distinct t.oid) when 1 then format('table %I.%I', n.name, min(t.relname))
      else format('%s tables of schema %I', count(distinct t.oid), n.name) end
    from needed n join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relkind in ('r', 'p')
    cross join (values ('select'), ('insert'), ('update'), ('delete')) p (name)
    where not has_table_privilege(t.oid, p.name)
    group by n.name
  )
  select current_user::text as "user", privileges || ' on ' || coalesce(shown, place) as lacks,
    format('grant %s on %s to %I', lower(privileges), place, current_user) as grant
  from lacking order by rank, place, privileges`
