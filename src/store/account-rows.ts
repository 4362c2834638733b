import { type RawBuilder, sql } from 'kysely'
import { explainReference } from './foreign-reference.ts'
import type { WorkerTables } from './schema.ts'
import type { Store } from './store.ts'

/** The rows of one table that belong to an account. The part that writes the table declares them for `forget`. */
export interface AccountRows {
  /** Includes the schema. */
  readonly table: RawBuilder<unknown>
  /** A condition that is true for the rows of this account. */
  belongTo(account: string): RawBuilder<boolean>
}

/** @param column contains the account's name; default `account` */
export function accountRows(table: keyof WorkerTables, column = 'account'): AccountRows {
  return { table: sql.table(table), belongTo: account => sql`${sql.ref(column)} = ${account}` }
}

/** Rows per statement: few enough that it ends within seconds, however many rows the account has. */
const batch = 10_000

/** Deletes an account's rows, each batch in its own transaction, unless `store` is one. */
export async function deleteAccountRows(
  store: Store,
  { table, belongTo }: AccountRows,
  account: string,
): Promise<void> {
  for (;;) {
    // A ctid is unique only within a partition, so the account is compared again.
    const { numAffectedRows = 0n } = await sql`
      delete from ${table}
      where ctid = any(array(select ctid from ${table} where ${belongTo(account)} limit ${batch}))
        and ${belongTo(account)}`
      .execute(store)
      .catch((error: unknown) => {
        throw explainReference(error) ?? error
      })
    if (numAffectedRows < batch) return
  }
}

/** Whether any of the tables has a row of the account. */
export async function hasAccountRows(store: Store, tables: readonly AccountRows[], account: string): Promise<boolean> {
  const anyRow = tables.map(({ table, belongTo }) => sql`exists (select from ${table} where ${belongTo(account)})`)
  const { rows } = await sql`select where ${sql.join(anyRow, sql` or `)}`.execute(store)
  return rows.length > 0
}
