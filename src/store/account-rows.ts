import { type RawBuilder, sql } from 'kysely'
import type { WorkerTables } from './schema.ts'
import type { Store } from './store.ts'

/** The rows of one table that belong to an account: the part that writes the table names them, for `forget`. */
export interface AccountRows {
  /** With its schema. */
  readonly table: RawBuilder<unknown>
  /** A condition that holds for the rows of this account. */
  belongTo(account: string): RawBuilder<boolean>
}

/** @param column that holds the account's name; default `account` */
export function accountRows(table: keyof WorkerTables, column = 'account'): AccountRows {
  return { table: sql.table(table), belongTo: account => sql`${sql.ref(column)} = ${account}` }
}

/** Rows of one statement: so few that it ends within seconds, however many the account has. */
const batch = 10_000

/** Deletes an account's rows, each batch in a transaction of its own unless `store` is one. */
export async function deleteAccountRows(
  store: Store,
  { table, belongTo }: AccountRows,
  account: string,
): Promise<void> {
  for (;;) {
    const { numAffectedRows = 0n } = await sql`
      delete from ${table} where ctid = any(array(select ctid from ${table} where ${belongTo(account)} limit ${batch}))`.execute(
      store,
    )
    if (numAffectedRows < batch) return
  }
}

/** Whether any of the tables holds a row of the account. */
export async function hasAccountRows(store: Store, tables: readonly AccountRows[], account: string): Promise<boolean> {
  const anyRow = tables.map(({ table, belongTo }) => sql`exists (select from ${table} where ${belongTo(account)})`)
  const { rows } = await sql`select where ${sql.join(anyRow, sql` or `)}`.execute(store)
  return rows.length > 0
}
