import { CompiledQuery, sql } from 'kysely'
import { ConfigError } from '../errors.ts'
import { type Explanation, renderExplanation } from '../explanation.ts'
import type { Log } from '../log.ts'
import { findCollationChange } from './collation-change.ts'
import { findEncodingProblem } from './database-encoding.ts'
import { findNewerStore, listExecuted } from './executed-migrations.ts'
import { findForeignSchema } from './foreign-schema.ts'
import type { Asked } from './missing-privileges.ts'
import { findRowSecurity } from './row-security.ts'
import { findVersionProblem } from './server-version.ts'
import { findSharedSession } from './shared-session.ts'
import type { Store } from './store.ts'

interface OpenStore {
  readonly kind: 'postgres' | 'embedded'
  readonly store: Store
}

/**
 * Logs a warning if its collation has changed.
 *
 * @returns the names of the migrations that it has
 * @throws ConfigError for its version or encoding, a newer version's migrations, another program's schema, row security, or a pooler
 *   that shares sessions
 */
export async function requireUsable({ kind, store }: OpenStore, log: Log): Promise<readonly string[]> {
  const { rows } = await sql<{ encoding: string; database: string }>`
    select current_setting('server_encoding') as encoding, current_database() as database`.execute(store)
  const asked = askedOf(store)
  const executed = (await hasMigrations(store)) ? await listExecuted(asked) : []
  const problem =
    (rows[0] && findEncodingProblem(rows[0].encoding, rows[0].database)) ??
    findNewerStore(executed) ??
    (kind === 'postgres' ? await findServerProblem(store) : undefined)
  if (problem) throw new ConfigError([problem])
  const change = kind === 'postgres' ? await findCollationChange(asked) : undefined
  if (change) log.warn(renderExplanation(change))
  return executed
}

async function findServerProblem(store: Store): Promise<Explanation | undefined> {
  const asked = askedOf(store)
  return (
    (await findVersionProblem(asked)) ??
    (await findForeignSchema(asked)) ??
    (await findRowSecurity(asked)) ??
    (await findSharedSessionOf(store))
  )
}

function findSharedSessionOf(store: Store): Promise<Explanation | undefined> {
  return store
    .connection()
    .execute(one => store.connection().execute(other => findSharedSession(askedOf(one), askedOf(other))))
}

function askedOf(connection: Store): Asked {
  return {
    query: <R extends object>(text: string, values: unknown[]) =>
      connection.executeQuery<R>(CompiledQuery.raw(text, values)),
  }
}

async function hasMigrations(store: Store): Promise<boolean> {
  const { rows } = await sql<{ isThere: boolean }>`
    select to_regclass('worker.kysely_migration') is not null as "isThere"`.execute(store)
  return rows[0]?.isThere === true
}
