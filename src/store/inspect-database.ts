import pg from 'pg'
import { type Explanation, OutageError } from '../errors.ts'
import { migrations } from './migrations.ts'
import { setSession } from './session-settings.ts'

export interface DatabaseInspection {
  readonly name: string
  /** As `server_encoding` gives it. */
  readonly encoding: string
  /** False before the first start. */
  readonly hasStore: boolean
  /** Migrations that the next start will apply. */
  readonly pending: readonly string[]
  /** How far the first login of each account has come, and why it doesn't go on. */
  readonly firstLogins: ReadonlyMap<string, { readonly state: string; readonly hold?: Explanation }>
}

/**
 * Looks at a Postgres without changing it.
 *
 * @throws OutageError when it doesn't answer
 */
export async function inspectDatabase(databaseUrl: string): Promise<DatabaseInspection> {
  const client = new pg.Client({ connectionString: databaseUrl, connectionTimeoutMillis: 5_000 })
  client.on('error', () => {})
  try {
    await client.connect()
    await setSession(client, { timeouts: true })
    const { rows } = await client.query<{ name: string; encoding: string; hasStore: boolean }>(
      `select current_database() as name, current_setting('server_encoding') as encoding,
        to_regclass('worker.accounts') is not null and to_regclass('worker.kysely_migration') is not null as "hasStore"`,
    )
    const { name = '', encoding = '', hasStore = false } = rows[0] ?? {}
    if (!hasStore) return { name, encoding, hasStore, pending: Object.keys(migrations), firstLogins: new Map() }
    const applied = await client.query<{ name: string }>('select name from worker.kysely_migration')
    const done = new Set(applied.rows.map(row => row.name))
    const accounts = await client.query<{
      name: string
      first_login: string
      found: string | null
      remedy: string | null
    }>(
      `select a.name, a.first_login, h.found, h.remedy from worker.accounts a
       left join worker.holds h on h.account = a.name and h.job = '' and h.code = 'first-login'`,
    )
    return {
      name,
      encoding,
      hasStore,
      pending: Object.keys(migrations).filter(name => !done.has(name)),
      firstLogins: new Map(
        accounts.rows.map(({ name, first_login: state, found, remedy }) => [
          name,
          { state, ...(found !== null && { hold: { found, remedy: remedy ?? undefined } }) },
        ]),
      ),
    }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'no answer'
    throw new OutageError('store', 'account', {
      found: `Postgres can't be used (${code})`,
      remedy: 'check that it runs and that DATABASE_URL names it',
    })
  } finally {
    await client.end().catch(() => {})
  }
}
