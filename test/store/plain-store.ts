import { Kysely, PostgresDialect } from 'kysely'
import { Client } from 'pg'
import type { WorkerTables } from '../../src/store/schema.ts'
import type { Store } from '../../src/store/store.ts'
import { openPool } from '../services/open-pool.ts'

/** A database as it is: nothing was migrated and no session is set up. */
export function openPlainStore(url: string): { readonly store: Store } & AsyncDisposable {
  const pool = openPool(url, 2)
  const store = new Kysely<WorkerTables>({ dialect: new PostgresDialect({ pool }) })
  return { store, [Symbol.asyncDispose]: () => store.destroy() }
}

/** Runs statements as psql would, as the role that is given or as who logs in. */
export async function runScript(url: string, script: string, role?: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    if (role !== undefined) await client.query(`set role ${client.escapeIdentifier(role)}`)
    await client.query(script)
  } finally {
    await client.end()
  }
}
