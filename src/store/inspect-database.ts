import pg from 'pg'
import { ConfigError, OutageError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { applicationName, findBalancedReads } from './balanced-reads.ts'
import { findCollationChange } from './collation-change.ts'
import { findEncodingProblem } from './database-encoding.ts'
import { findNewerStore, findPending, listExecuted } from './executed-migrations.ts'
import { findForeignSchema } from './foreign-schema.ts'
import { findMissingPrivileges } from './missing-privileges.ts'
import { explainPostgresFailure, namePostgres, readOnly } from './postgres-failure.ts'
import { findRowSecurity } from './row-security.ts'
import { findVersionProblem } from './server-version.ts'
import { setSession } from './session-settings.ts'
import { findSharedSession } from './shared-session.ts'

export interface DatabaseInspection {
  /**
   * What prevents the worker from using it: its version or encoding, a standby, a pooler that sends reads to one or shares sessions, a
   * newer version's migrations, another program's schema, row security, a missing privilege.
   */
  readonly problem?: Explanation | undefined
  /** Its collation has changed. */
  readonly warning?: Explanation | undefined
  /** False before the first start. */
  readonly hasStore: boolean
  /** Migrations that the next start will apply. */
  readonly pending: readonly string[]
  /** The state of each account's first login, and why it is held; undefined if that can't be read. */
  readonly firstLogins: ReadonlyMap<string, InspectedFirstLogin> | undefined
}

interface InspectedFirstLogin {
  readonly state: string
  readonly hold?: Explanation
  readonly fingerprint: { readonly issuer: string; readonly subject: string; readonly endpoint: string }
}

/**
 * Inspects a Postgres for everything that the worker needs, without changing it.
 *
 * @throws ConfigError or OutageError, with Postgres' own words, if it can't be inspected
 */
export async function inspectDatabase(databaseUrl: string): Promise<DatabaseInspection> {
  let client: pg.Client | undefined
  try {
    client = await connect(databaseUrl)
    await setSession(client)
    return await inspect(client, databaseUrl)
  } catch (error) {
    const failure = explainPostgresFailure(error, namePostgres(databaseUrl))
    throw failure.isConfiguration ? new ConfigError([failure]) : new OutageError('store', 'account', failure)
  } finally {
    await client?.end().catch(() => {})
  }
}

/** A file named by the URL is read before anything is sent. */
async function connect(databaseUrl: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    connectionTimeoutMillis: 5_000,
    query_timeout: 20_000,
    application_name: applicationName,
  })
  client.on('error', () => {})
  await client.connect()
  return client
}

async function inspect(client: pg.Client, databaseUrl: string): Promise<DatabaseInspection> {
  const { rows } = await client.query<{
    name: string
    encoding: string
    isReadOnly: boolean
    hasStore: boolean
  }>(
    `select current_database() as name, current_setting('server_encoding') as encoding,
      current_setting('transaction_read_only') = 'on' as "isReadOnly",
      tables @> '{worker.accounts,worker.kysely_migration}' as "hasStore"
     from (
      select coalesce(array_agg(n.nspname || '.' || t.relname), '{}') as tables
      from pg_catalog.pg_class t join pg_catalog.pg_namespace n on n.oid = t.relnamespace
      where n.nspname = 'worker' and t.relkind in ('r', 'p')
     ) there`,
  )
  const { name = '', encoding = '', isReadOnly = false, hasStore = false } = rows[0] ?? {}
  const hidden = await findRowSecurity(client)
  const mayRead = hasStore && !hidden && (await canRead(client))
  const executed = mayRead ? await listExecuted(client) : undefined
  const pending = executed || !hasStore ? findPending(executed ?? []) : []
  return {
    problem:
      (await findVersionProblem(client)) ??
      findEncodingProblem(encoding, name) ??
      (await findBalancedReads(client)) ??
      (isReadOnly ? readOnly(namePostgres(databaseUrl)) : undefined) ??
      findNewerStore(executed ?? []) ??
      (await findForeignSchema(client)) ??
      hidden ??
      (await findSharedSessionOf(client, databaseUrl)) ??
      (await findMissingPrivileges(client, { pending: pending.length > 0 })),
    warning: await findCollationChange(client),
    hasStore,
    pending,
    firstLogins: mayRead ? await findFirstLogins(client) : hasStore ? undefined : new Map(),
  }
}

async function findSharedSessionOf(client: pg.Client, databaseUrl: string): Promise<Explanation | undefined> {
  const other = await connect(databaseUrl)
  try {
    return await findSharedSession(client, other)
  } finally {
    await other.end().catch(() => {})
  }
}

async function canRead(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ may: boolean }>(
    `select has_schema_privilege('worker', 'usage')
      and bool_and(has_table_privilege(t.oid, 'select')) as may
     from pg_catalog.pg_class t join pg_catalog.pg_namespace n on n.oid = t.relnamespace
     where n.nspname = 'worker' and t.relkind = 'r'`,
  )
  return rows[0]?.may === true
}

/** A migration that may be pending splits a hold's text in two. */
async function findFirstLogins(client: pg.Client): Promise<ReadonlyMap<string, InspectedFirstLogin>> {
  const { rows } = await client.query<
    InspectedFirstLogin['fingerprint'] & { name: string; state: string; found: string | null; remedy: string | null }
  >(
    `select a.name, a.first_login as state, a.issuer, a.subject, a.endpoint, coalesce(h.hold ->> 'found', h.hold ->> 'reason') as found, h.hold ->> 'remedy' as remedy
     from worker.accounts a
     left join (select account, to_jsonb(holds) as hold from worker.holds where job = '' and code = 'first-login') h
       on h.account = a.name`,
  )
  return new Map(
    rows.map(({ name, state, issuer, subject, endpoint, found, remedy }) => [
      name,
      {
        state,
        fingerprint: { issuer, subject, endpoint },
        ...(found !== null && { hold: { found, remedy: remedy ?? undefined } }),
      },
    ]),
  )
}
