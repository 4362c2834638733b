import { Kysely, PostgresDialect, sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/errors.ts'
import { inspectDatabase } from '../../src/store/inspect-database.ts'
import { migrations } from '../../src/store/migrations.ts'
import { openDatabase } from '../../src/store/open-database.ts'
import { allowHours, patient, prepared, prepareMarked } from '../../src/store/prepared-statements.ts'
import { renderMigrations } from '../../src/store/render-migrations.ts'
import type { WorkerTables } from '../../src/store/schema.ts'
import type { Store } from '../../src/store/store.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { openDataDir } from '../fixtures/data-dir.ts'
import { hostileSettings } from '../fixtures/hostile-settings.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { openPlainStore, runScript } from './plain-store.ts'

const { log } = captureLog()

describe('the embedded database', () => {
  test('keeps what was committed, is migrated again without harm, has one owner, and gives the same whatever its defaults are', async () => {
    await using dataDir = await openDataDir()
    {
      await using database = await openDatabase({ dataDir: dataDir.path }, log)
      await database.store
        .insertInto('worker.accounts')
        .values({ name: 'default', issuer: 'i', subject: 's', endpoint: '' })
        .execute()
      await expect(openDatabase({ dataDir: dataDir.path }, log)).rejects.toThrow('belongs to another process')
      for (const [setting, value] of Object.entries(hostileSettings)) {
        await sql.raw(`alter database postgres set ${setting} = ${value}`).execute(database.store)
      }
    }
    await using database = await openDatabase({ dataDir: dataDir.path }, log)
    const { name } = await database.store.selectFrom('worker.accounts').select('name').executeTakeFirstOrThrow()
    expect(name).toBe('default')
    const { rows } = await sql`select 9007199254740993::bigint as big, '2026-01-01T00:00:00Z'::timestamptz as at,
      interval '-1 days +02:00:00'::text as span, format_type('uuid'::regtype, -1) as type`.execute(database.store)
    const at = new Date('2026-01-01T00:00:00Z')
    expect(rows).toEqual([{ big: '9007199254740993', at, span: '-1 days +02:00:00', type: 'uuid' }])
    expect(await readEscapedName(database.store)).toEqual(escapedNames)
  })
})

/** In this order: the first gives the engine a shape that the second one's name is taken for. */
async function readEscapedName(store: Store): Promise<unknown> {
  const { rows } = await sql`select '{"=":0,"\\\\":0}'::json as shape, '{"=":0,"\\n":0}'::json as json,
    '{"=":0,"\\n":0}'::jsonb as jsonb`.execute(store)
  return rows
}

const escapedNames = [{ shape: { '=': 0, '\\': 0 }, json: { '=': 0, '\n': 0 }, jsonb: { '=': 0, '\n': 0 } }]

describe.runIf(hasPostgres)('on Postgres', () => {
  test('gets JSON with escaped names as it was written', async () => {
    await using empty = await createDatabase()
    await using database = await openDatabase({ databaseUrl: empty.url }, log)

    expect(await readEscapedName(database.store)).toEqual(escapedNames)
  })

  test('several processes that start at once on an empty database all come up', async () => {
    await using empty = await createDatabase()
    const opened = await Promise.all(
      Array.from({ length: 5 }, async () => {
        return openDatabase({ databaseUrl: empty.url }, log)
      }),
    )
    const [first] = opened
    const { rows } = await sql<{ count: string }>`select count(*) from worker.kysely_migration`.execute(
      first?.store ?? expect.fail(),
    )
    expect(rows).toEqual([{ count: String(Object.keys(migrations).length) }])
    for (const database of opened) await database[Symbol.asyncDispose]()
  })

  test('another program that migrates in the same database keeps nobody from a store that is up to date', async () => {
    await using empty = await createDatabase()
    await using database = await openDatabase({ databaseUrl: empty.url }, log)
    await database.store.connection().execute(async other => {
      // The lock of every program that uses Kysely.
      await sql`select pg_advisory_lock(3853314791062309107)`.execute(other)
      await using opened = await openDatabase({ databaseUrl: empty.url }, log)
      expect((await sql`select from worker.requests`.execute(opened.store)).rows).toEqual([])
    })
  })

  test('a store whose last functions came by an earlier migration gets the current ones', async () => {
    await using empty = await createDatabase()
    const functions = sql<{ body: string }>`select string_agg(prosrc, '' order by proname) as body from pg_proc
      where pronamespace = 'worker'::regnamespace`
    await using database = await openDatabase({ databaseUrl: empty.url }, log)
    const current = (await functions.execute(database.store)).rows
    await sql`delete from worker.kysely_migration where name > '0032_last_failures_of_webhooks'`.execute(database.store)
    await sql`create or replace function worker.successor(p_id text) returns text language sql as 'select p_id'`.execute(
      database.store,
    )
    expect((await functions.execute(database.store)).rows).not.toEqual(current)
    await using again = await openDatabase({ databaseUrl: empty.url }, log)
    expect((await functions.execute(again.store)).rows).toEqual(current)
  })

  test('an older version refuses a store that a newer one has migrated, and doctor says the same', async () => {
    await using empty = await createDatabase()
    {
      await using database = await openDatabase({ databaseUrl: empty.url }, log)
      await sql`insert into worker.kysely_migration (name, timestamp) values ('9999_future', '2099-01-01')`.execute(
        database.store,
      )
    }
    const problem = {
      found: 'A newer version of hasura-sync-worker has migrated the store (9999_future)',
      remedy: 'start that version, or restore a dump from before the upgrade',
    }
    const opening = openDatabase({ databaseUrl: empty.url }, log)
    await expect(opening).rejects.toThrow(ConfigError)
    await expect(opening).rejects.toMatchObject(problem)
    expect(await inspectDatabase(empty.url)).toMatchObject({ problem, pending: [] })
  })

  test.each([
    ['create table worker.jobs (id int)', 'table jobs'],
    ['create function worker.set_updated_at() returns int language sql as $$ select 1 $$', 'function set_updated_at'],
  ])('a schema "worker" of another program is left alone: %s', async (statement, object) => {
    await using shared = await createDatabase()
    await using plain = openPlainStore(shared.url)
    await runScript(shared.url, `create schema worker; create schema mirror; ${statement}`)
    const problem = {
      found: `Schema "worker" of this database belongs to another program: it has ${object}`,
      remedy: 'create a database of its own and name it in DATABASE_URL',
    }
    await expect(openDatabase({ databaseUrl: shared.url }, log)).rejects.toMatchObject(problem)
    expect(await inspectDatabase(shared.url)).toMatchObject({ problem, hasStore: false })
    await expect(runScript(shared.url, renderMigrations(undefined))).rejects.toThrow(
      `another program: it has ${object}`,
    )
    const { rows } = await sql`select from pg_proc where proname = 'accept'`.execute(plain.store)
    expect(rows).toEqual([])
  })

  test('an extension in schema "worker" is no other program', async () => {
    await using shared = await createDatabase()
    await runScript(shared.url, 'create schema worker; create extension pgcrypto schema worker')
    expect(await inspectDatabase(shared.url)).toMatchObject({ problem: undefined })
    await using _database = await openDatabase({ databaseUrl: shared.url }, log)
  })

  // A function that is found before Postgres' own: a server of another kind can't be started here.
  test('a server that only speaks like Postgres is refused, at start and by doctor', async () => {
    await using other = await createDatabase({ settings: { search_path: 'public, pg_catalog' } })
    const version = 'CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu, built 2025/06/11)'
    await runScript(
      other.url,
      `create function public.version() returns text language sql as $$ select '${version}' $$`,
    )
    const problem = {
      found: 'DATABASE_URL leads to CockroachDB CCL v25.2.1, which lacks what the worker needs',
      remedy: 'use PostgreSQL 13 or later',
    }
    await expect(openDatabase({ databaseUrl: other.url }, log)).rejects.toMatchObject(problem)
    expect(await inspectDatabase(other.url)).toMatchObject({ problem })
  })

  test('settings of the URL join ours', async () => {
    await using empty = await createDatabase()
    const url = new URL(empty.url)
    url.searchParams.set('options', '-c work_mem=5432kB -c lock_timeout=1s')
    await using database = await openDatabase({ databaseUrl: url.href }, log)
    const settings = `current_setting('work_mem') as memory,
      current_setting('idle_in_transaction_session_timeout') as idle, current_setting('lock_timeout') as lock,
      current_setting('search_path') as path`
    const { rows } = await sql`select ${sql.raw(settings)}`.execute(database.store)
    // Where both say something ours holds, which leases depend on.
    expect(rows).toMatchObject([{ memory: '5432kB', idle: '5s', lock: '5s' }])
  })

  test('a connection that is lost under a transaction is told as that, and the next one is another', async () => {
    await using created = await createDatabase()
    await using database = await openDatabase({ databaseUrl: created.url }, log)
    const { store } = database
    const lost = store.transaction().execute(async tx => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(tx)
      await sql`select pg_terminate_backend(${rows[0]?.pid})`.execute(store)
      await sql`select 1`.execute(tx)
    })
    await expect(lost).rejects.toMatchObject({ name: 'TransientError', code: 'store' })
    expect((await sql`select 1 as one`.execute(store)).rows).toEqual([{ one: 1 }])
    await expect(sql`select nothing`.execute(store)).rejects.toMatchObject({ code: '42703' })
  })

  test('a marked statement is prepared once on each connection, also when it fails at first; others aren’t', async () => {
    await using empty = await createDatabase()
    await using database = await openDatabase({ databaseUrl: empty.url }, log)
    await database.store.connection().execute(async connection => {
      const divide = (by: number) => sql`${prepared} select 6 / ${by}::int as found`.execute(connection)
      await expect(divide(0)).rejects.toMatchObject({ code: '22012' })
      expect((await divide(2)).rows).toEqual([{ found: 3 }])
      expect((await divide(3)).rows).toEqual([{ found: 2 }])
      await sql`select ${1}::int`.execute(connection)
      const { rows } = await sql`select statement from pg_prepared_statements`.execute(connection)
      expect(rows).toEqual([{ statement: expect.stringContaining('select 6 /') }])
    })
  })

  test('a statement that is marked as patient is waited for longer than others, by the driver and by the server', async () => {
    await using empty = await createDatabase()
    const pool = new pg.Pool({ connectionString: empty.url, query_timeout: 50 })
    const store = new Kysely<WorkerTables>({ dialect: new PostgresDialect({ pool: prepareMarked(pool) }) })
    const takesLonger = sql.raw('select pg_sleep(0.3)')
    await store.transaction().execute(async tx => {
      await sql`set local statement_timeout = 50`.execute(tx)
      await allowHours(tx)
      expect((await sql`${patient} ${takesLonger}`.execute(tx)).rows).toHaveLength(1)
    })
    await expect(takesLonger.execute(store)).rejects.toThrow('Query read timeout')
    await store.destroy()
  })

  test('a transaction that sleeps is ended by the server, and a lock isn’t waited for any longer either', async () => {
    await using empty = await createDatabase()
    await using database = await openDatabase({ databaseUrl: empty.url }, log)
    const { rows } = await sql`
      select current_setting('idle_in_transaction_session_timeout') as idle, current_setting('lock_timeout') as lock
    `.execute(database.store)
    expect(rows).toEqual([{ idle: '5s', lock: '5s' }])
  })
})
