import { randomUUID } from 'node:crypto'
import { Socket } from 'node:net'
import { sql } from 'kysely'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { parseConfig } from '../../src/config/config.ts'
import { inspectServices } from '../../src/doctor/inspect-services.ts'
import { type Database, openDatabase } from '../../src/store/open-database.ts'
import { renderMigrations } from '../../src/store/render-migrations.ts'
import { setSession } from '../../src/store/session-settings.ts'
import { systemClock } from '../../src/time/clock.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { hostileSettings } from '../fixtures/hostile-settings.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'
import { pgbouncerServer, startPgbouncer } from '../services/start-pgbouncer.ts'
import { runScript } from './plain-store.ts'

const { log } = captureLog()

/** What a session is to give, however it is called by default. */
const expected = {
  instant: new Date('2026-03-04T05:06:07.008Z'),
  texts: ['2026-03-04 05:06:07.008+00', '2026-03-04', '-1 days +02:00:00', '0.30000000000000004', '\\x00ff'],
  literal: '\\n',
  list: ['a', null],
  type: 'uuid',
  isolation: 'read committed',
}

async function read(database: Pick<Database, 'store'>): Promise<unknown> {
  const { rows } = await sql`select '2026-03-04T05:06:07.008Z'::timestamptz as instant,
    array['2026-03-04T05:06:07.008Z'::timestamptz::text, '2026-03-04'::date::text, interval '-1 days +02:00:00'::text,
      (0.1::float8 + 0.2::float8)::text, '\\x00ff'::bytea::text] as texts,
    ${sql.raw("'\\n'")} as literal, ${['a', null]}::text[] as list, format_type('uuid'::regtype, -1) as type,
    current_setting('transaction_isolation') as isolation`.execute(database.store)
  return rows[0]
}

async function storeFinding(databaseUrl: string): Promise<unknown> {
  const account = { name: 'one', oidcIssuer: 'https://idp.example', clientId: 'one', clientSecret: 'secret' }
  const config = parseConfig({ DATABASE_URL: databaseUrl }, { accounts: [account] })
  const { findings } = await inspectServices(config, {
    uid: undefined,
    clock: systemClock,
    signal: AbortSignal.timeout(60_000),
  })
  return findings.get('store')
}

describe.runIf(hasPostgres)('a session on Postgres', () => {
  test('is the same whatever the database’s defaults are', async () => {
    await using hostile = await createDatabase({ settings: hostileSettings })
    await using database = await openDatabase({ databaseUrl: hostile.url }, log)
    expect(await read(database)).toEqual(expected)
    const timeouts = sql`select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
      current_setting('idle_session_timeout') as idle`
    expect((await timeouts.execute(database.store)).rows).toEqual([{ statement: '2min', lock: '5s', idle: '0' }])
  })

  test('whose client is gone during a statement ends soon, and its locks with it', async () => {
    await using created = await createDatabase()
    await using database = await openDatabase({ databaseUrl: created.url }, log)
    const socket = new Socket()
    const client = new pg.Client({ connectionString: created.url, stream: () => socket })
    client.on('error', () => {})
    await client.connect()
    await setSession(client)
    await client.query('begin')
    await client.query('lock table worker.leases in share mode')
    const lost = expect(client.query('select pg_sleep(3600)')).rejects.toThrow('Connection terminated')
    const sleeping = async () => {
      const found = await sql`select from pg_locks l join pg_stat_activity a using (pid)
        where l.relation = 'worker.leases'::regclass and a.query like '%pg_sleep(3600)'`.execute(database.store)
      return found.rows.length
    }
    await expect.poll(sleeping).toBe(1)
    socket.destroy()
    await lost
    await expect.poll(sleeping, { timeout: 20_000 }).toBe(0)
  })

  test('makes tables of Postgres’ own kind, also those that an administrator makes for it', async () => {
    for (const script of [undefined, renderMigrations(undefined)]) {
      await using other = await createDatabase({ settings: { default_table_access_method: 'other' } })
      await runScript(other.url, 'create access method other type table handler heap_tableam_handler')
      if (script) await runScript(other.url, script)
      await using database = await openDatabase({ databaseUrl: other.url }, log)
      const { rows } = await sql`
        select distinct m.amname as kind from pg_class t join pg_am m on m.oid = t.relam
        where t.relnamespace = 'worker'::regnamespace and t.relkind = 'r'`.execute(database.store)
      expect(rows).toEqual([{ kind: 'heap' }])
    }
  })

  test('is the same whatever its role’s are', async () => {
    const role = `role_${randomUUID().replaceAll('-', '')}`
    await using created = await createDatabase()
    const admin = new pg.Client({ connectionString: created.url })
    await admin.connect()
    await using closing = new AsyncDisposableStack()
    closing.defer(async () => {
      await admin.query(`drop owned by ${role} cascade; drop role ${role}`)
      await admin.end()
    })
    const url = new URL(created.url)
    const own = Object.entries(hostileSettings).map(([name, value]) => `alter role ${role} set ${name} = ${value};`)
    await admin.query(
      `create role ${role} login; grant create on database ${url.pathname.slice(1)} to ${role}; ${own.join('')}`,
    )
    url.username = role
    await using database = await openDatabase({ databaseUrl: url.href }, log)
    expect(await read(database)).toEqual(expected)
  })

  test.runIf(pgbouncerServer)('is the same behind a PgBouncer that keeps a connection for each client', async () => {
    await using hostile = await createDatabase({ settings: hostileSettings })
    await using pooler = await startPgbouncer(hostile.url)
    await using database = await openDatabase({ databaseUrl: pooler.url }, log)
    expect(await read(database)).toEqual(expected)
  })

  test('of a database whose collation has changed is a warning at start and in doctor, with how to rebuild its indexes', async () => {
    await using created = await createDatabase({ icuLocale: 'en-US' })
    const logged = captureLog()
    {
      await using database = await openDatabase({ databaseUrl: created.url }, logged.log)
      expect(logged.lines).toEqual([])
      await sql`update pg_database set datcollversion = '1' where datname = current_database()`.execute(database.store)
    }
    const name = new URL(created.url).pathname.slice(1)
    const found = `The collation of database "${name}" has changed from version 1 to `
    const remedy = `reindex database ${name}; alter database ${name} refresh collation version`
    await using _database = await openDatabase({ databaseUrl: created.url }, logged.log)
    expect(logged.lines).toMatchObject([{ msg: expect.stringContaining(found) }])
    expect(logged.lines).toMatchObject([{ msg: expect.stringContaining(remedy) }])
    expect(await storeFinding(created.url)).toMatchObject({
      status: 'warn',
      detail: expect.stringContaining(found),
      hint: expect.stringContaining(remedy),
    })
  })

  test.each(['LATIN1', 'SQL_ASCII'])('of a database in %s is refused, with what to do about it', async encoding => {
    await using created = await createDatabase({ encoding })
    await expect(openDatabase({ databaseUrl: created.url }, log)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(new RegExp(`${encoding}.*encoding 'UTF8'`)),
    })
    expect(await storeFinding(created.url)).toMatchObject({ status: 'fail', detail: expect.stringContaining(encoding) })
  })
})
