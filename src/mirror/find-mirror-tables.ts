import { sql } from 'kysely'
import type { AccountRows } from '../store/account-rows.ts'
import type { Store } from '../store/store.ts'

/** The mirrored rows of an account. */
export async function findMirrorRows(store: Store): Promise<readonly AccountRows[]> {
  const names = await findMirrorTables(store)
  return names.map(name => ({ table: sql.id('mirror', name), belongTo: account => sql`_account = ${account}` }))
}

/** The names of all mirror tables. Other people may keep views and tables of their own in this schema. */
export async function findMirrorTables(store: Store): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
    join pg_attribute a on a.attrelid = c.oid and a.attname in ('_account', '_change') and not a.attisdropped
    where n.nspname = 'mirror' and c.relkind in ('r', 'p')
    group by c.relname having count(*) = 2
    order by c.relname`.execute(store)
  return rows.map(({ name }) => name)
}
