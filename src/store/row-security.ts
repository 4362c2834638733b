import type { Explanation } from '../explanation.ts'
import type { Asked } from './missing-privileges.ts'

/**
 * Whether row security keeps the user of a connection from rows of schema `worker`. It reports no error when it hides rows: the store
 * looks empty, or as if it had no migrations. A table with policies for everything that the worker does is left to whoever made them.
 */
export async function findRowSecurity(client: Asked): Promise<Explanation | undefined> {
  const { rows } = await client.query<{ user: string; tables: string; statements: string }>(question, [])
  const [first] = rows
  if (!first) return undefined
  return {
    found: `Row security keeps user "${first.user}" of DATABASE_URL from the rows of ${first.tables}`,
    remedy: `run as the owner or a superuser: ${first.statements}`,
  }
}

/** An owner is subject to row security only where it is forced. */
const question = `
  select current_user::text as "user",
    case count(*) when 1 then format('table worker.%I', min(t.relname))
      else format('%s tables of schema worker', count(*)) end as tables,
    string_agg(
      format('alter table worker.%I %s row level security', t.relname,
        case when pg_has_role(t.relowner, 'usage') then 'no force' else 'disable' end),
      '; ' order by t.relname) as statements
  from pg_catalog.pg_class t
  where t.relnamespace = to_regnamespace('worker') and t.relkind in ('r', 'p') and row_security_active(t.oid) and exists (
    select from (values ('SELECT'), ('INSERT'), ('UPDATE'), ('DELETE')) c (command)
    where not exists (
      select from pg_catalog.pg_policies p cross join unnest(p.roles) role
      where p.schemaname = 'worker' and p.tablename = t.relname and p.permissive = 'PERMISSIVE'
        and p.cmd in ('ALL', c.command) and case role when 'public' then true else pg_has_role(role, 'usage') end))
  having count(*) > 0`
