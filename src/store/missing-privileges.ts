import type { Explanation } from '../explanation.ts'

/** A connection, reduced to what a query needs. */
export interface Asked {
  query<R extends object>(text: string, values: unknown[]): Promise<{ readonly rows: readonly R[] }>
}

interface Lack {
  readonly user: string
  readonly lacks: string
  /** The statement that grants it; null if only migrating as another role does. */
  readonly mend: string | null
}

/**
 * What the user of a connection lacks: the privileges to create missing schemas and tables, to read and write existing ones, to
 * call the functions, and to add columns to the mirror's tables.
 *
 * @param pending migrations will be applied to schema `worker`
 * @returns undefined if nothing is missing
 */
export async function findMissingPrivileges(
  client: Asked,
  { pending }: { readonly pending: boolean },
): Promise<Explanation | undefined> {
  const { rows } = await client.query<Lack>(question, [pending])
  const [first] = rows
  if (!first) return undefined
  const statements = rows.flatMap(({ mend }) => mend ?? [])
  const grant = statements.length > 0 && `run as the owner or a superuser: ${statements.join('; ')}`
  const print = `run the output of "npm run -s cli -- migrate --print --grant-to ${first.user}" as an administrator`
  return {
    found: `User "${first.user}" of DATABASE_URL lacks ${rows.map(({ lacks }) => lacks).join('; ')}`,
    remedy: [pending && print, grant].filter(part => part !== false).join(', or '),
  }
}

/** A mirror table is one that the worker created, recognized by its own columns and by its key, which a copy may lack. */
const question = `
  with needed as (
    select n.name, s.oid, n.is_filled from (values ('worker', $1::boolean), ('mirror', true)) n (name, is_filled)
    left join pg_catalog.pg_namespace s on s.nspname = n.name
  ), tables as (
    select n.name as schema, t.oid, t.relname, t.relowner from needed n
    join pg_catalog.pg_class t on t.relnamespace = n.oid and t.relkind in ('r', 'p')
    where n.name = 'worker' or 2 = (
      select count(*) from pg_catalog.pg_attribute a
      where a.attrelid = t.oid and a.attname in ('_account', '_change') and not a.attisdropped
    ) and exists (select from pg_catalog.pg_index i where i.indrelid = t.oid and i.indisprimary)
  ), lacking as (
    select 1 as rank, 'CREATE on ' || format('database %I', current_database()) as lacks,
      format('grant create on database %I to %I', current_database(), current_user) as mend
    where exists (select from needed where oid is null) and not has_database_privilege(current_database(), 'create')
    union all
    select 2, format('%s on schema %I', upper(p.name), n.name), format('grant %s on schema %I to %I', p.name, n.name, current_user)
    from needed n cross join (values ('usage'), ('create')) p (name)
    where n.oid is not null and (p.name = 'usage' or n.is_filled) and not has_schema_privilege(n.oid, p.name)
    union all
    select 3, string_agg(distinct upper(p.name), ', ') || ' on ' ||
        case count(distinct t.oid) when 1 then format('table %I.%I', t.schema, min(t.relname))
        else format('%s tables of schema %I', count(distinct t.oid), t.schema) end,
      format('grant %s on all tables in schema %I to %I', string_agg(distinct p.name, ', '), t.schema, current_user)
    from tables t cross join (values ('select'), ('insert'), ('update'), ('delete')) p (name)
    where not has_table_privilege(t.oid, p.name)
    group by t.schema
    union all
    select 4, format('EXECUTE on %s functions of schema worker', count(*)),
      format('grant execute on all functions in schema worker to %I', current_user)
    from needed n join pg_catalog.pg_proc f on f.pronamespace = n.oid
    where n.name = 'worker' and f.proname <> 'request' and not has_function_privilege(f.oid, 'execute')
    having count(*) > 0
    union all
    select 5, 'ownership of the tables of schema worker, which pending migrations change', null
    from tables t where t.schema = 'worker' and $1 and not pg_has_role(t.relowner, 'usage')
    having count(*) > 0
    union all
    select 6, format('ownership of mirror.%I', t.relname), format('alter table mirror.%I owner to %I', t.relname, current_user)
    from tables t
    where t.schema = 'mirror' and not pg_has_role(t.relowner, 'usage')
  )
  select current_user::text as "user", lacks, mend from lacking order by rank, lacks`
