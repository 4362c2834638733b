import { sql } from 'kysely'
import type { AccountRows } from '../store/account-rows.ts'
import type { Store } from '../store/store.ts'

/** The mirrored rows of an account, also those in copies that others have made. */
export async function findMirrorRows(store: Store): Promise<readonly AccountRows[]> {
  const names = await listTables(store)
  return names.map(name => ({ table: sql.id('mirror', name), belongTo: account => sql`_account = ${account}` }))
}

/**
 * The names of all mirror tables. Other people may keep views and tables of their own in this schema, such as a copy without a
 * primary key, or one that only they may read.
 */
export function findMirrorTables(store: Store): Promise<string[]> {
  const isKeyed = sql`exists (select from pg_index i where i.indrelid = c.oid and i.indisprimary)`
  return listTables(store, sql`${isKeyed} and has_table_privilege(c.oid, 'select')`)
}

async function listTables(store: Store, condition = sql`true`): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname in ('_account', '_change') and not a.attisdropped
    where n.nspname = 'mirror' and c.relkind in ('r', 'p') and ${condition}
    group by c.relname having count(*) = 2
    order by c.relname`.execute(store)
  return rows.map(({ name }) => name)
}
