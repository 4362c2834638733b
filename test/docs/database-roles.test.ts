import { sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { Client, escapeIdentifier } from 'pg'
import { describe, expect } from 'vitest'
import { openApp } from '../../src/app/app.ts'
import { inspectServices } from '../../src/doctor/inspect-services.ts'
import { ConfigError } from '../../src/errors.ts'
import type { Explanation } from '../../src/explanation.ts'
import { findMirrorTables } from '../../src/mirror/find-mirror-tables.ts'
import { inspectDatabase } from '../../src/store/inspect-database.ts'
import { migrations } from '../../src/store/migrations.ts'
import { renderMigrations } from '../../src/store/render-migrations.ts'
import { systemClock } from '../../src/time/clock.ts'
import { run } from '../cli/run-command.ts'
import { appTest } from '../fixtures/app-test.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { wikiProject } from '../fixtures/wiki-project.ts'
import { postgresServer, startPostgres } from '../services/start-postgres.ts'
import { openPlainStore, runScript } from '../store/plain-store.ts'
import { findCodeBlocks, findCommands, findSection, readDocument, wordsOf } from './markdown.ts'

const operations = readDocument('docs/operations.md')
const section = findSection(operations, 'Roles in Postgres')
const sqlOf = (text: string) =>
  findCodeBlocks(text)
    .filter(({ language }) => language === 'sql')
    .map(({ code }) => code)
const [roles = '', rowSecurity = '', reader = '', perTable = ''] = sqlOf(section)
const [request = '', grants = ''] = sqlOf(findSection(operations, 'Requests and runs'))

const hostOfTest = {
  clock: systemClock,
  hostname: 'test',
  pid: 1,
  uid: undefined,
  readSecretFile: async () => '',
  env: {},
  project: wikiProject,
}

/** Everything is done by the statements of the document; what a person does beside them is here. */
const test = appTest
  .extend('urlOf', { scope: 'file' }, async ({ closing }) => {
    const server = closing.use(await startPostgres())
    return (user: string): string => {
      const url = new URL(server.url)
      url.username = user
      return url.href
    }
  })
  .extend(
    'as',
    { scope: 'file' },
    ({ urlOf }) =>
      (user: string, statements: string) =>
        runAs(urlOf(user), statements),
  )
  .extend('appOptions', { scope: 'file' }, async ({ as, urlOf }) => {
    await as('postgres', roles)
    const [command = ''] = findCommands(section)
    // On a machine where nothing is configured.
    const { out } = await run({}, ...wordsOf(command).slice(wordsOf(command).indexOf('--') + 1))
    await as('postgres', `set role sync_owner; ${out}`)
    return { env: { DATABASE_URL: urlOf('sync_worker') }, clients: [{ clientId: 'north' }, { clientId: 'south' }] }
  })
  .extend('sync', { scope: 'file', auto: true }, async ({ apps }) => {
    const { operations } = await apps('embedded')
    const sync = (job: string, account: string) =>
      operations.run({ job, account }, { signal: AbortSignal.timeout(30_000) })
    for (const account of ['north', 'south']) await sync('sync-topics', account)
    return sync
  })
  .extend('accountsSeenBy', { scope: 'file' }, ({ as }) => async (user: string, table = 'topics') => {
    const rows = await as(user, `select distinct _account from mirror.${table} order by 1`)
    return rows.map(({ _account: account }) => account)
  })

async function runAs(connectionString: string, statements: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString })
  await client.connect()
  try {
    const result: unknown = await client.query(statements)
    const last = [result].flat().at(-1)
    return Object(last).rows ?? []
  } finally {
    await client.end()
  }
}

/** What the remedy tells to run. */
function statementsOf(problem: Explanation | undefined): string {
  return problem?.remedy?.replace('run as the owner or a superuser: ', '') ?? expect.fail('there is no remedy')
}

describe.runIf(postgresServer)('the roles of operations.md', () => {
  test('let the worker start and work, and doctor finds nothing missing', async ({ app, sync }) => {
    const { findings } = await inspectServices(app.config, {
      uid: undefined,
      clock: systemClock,
      signal: AbortSignal.timeout(60_000),
    })
    expect(findings.get('store')).toMatchObject({
      status: 'ok',
      detail: 'Postgres answers, and its tables are up to date',
    })
    const { rows } = await sql`select current_user as user`.execute(app.deps.store)
    expect(rows).toEqual([{ user: 'sync_worker' }])
    expect(await sync('sync-topics', 'north')).toHaveProperty('from')
  })

  test.for([
    ['create schema other', 'permission denied for database'],
    ['create table worker.mine (a int)', 'permission denied for schema worker'],
    ['alter table worker.requests add column mine int', 'must be owner of table requests'],
    ['alter function worker.rank_offset(text) immutable', 'must be owner of function'],
    ['truncate worker.requests', 'permission denied for table requests'],
    ['drop schema mirror', 'must be owner of schema mirror'],
  ] as const)('do not let the worker %s', async ([statement, refusal], { as }) => {
    await expect(as('sync_worker', statement)).rejects.toThrow(refusal)
  })

  test('let the worker give a mirror table the column that a document has gained', async ({ as }) => {
    await as('sync_worker', 'begin; alter table mirror.topics add column gained text; rollback')
  })

  test('let a reader of the mirror read every row, and write none', async ({ as, accountsSeenBy }) => {
    await as('postgres', 'create role reporting login; grant mirror_reader to reporting')
    expect(await accountsSeenBy('reporting')).toEqual(['north', 'south'])
    await expect(as('reporting', 'delete from mirror.topics')).rejects.toThrow('permission denied')
    await expect(as('reporting', 'select * from worker.requests')).rejects.toThrow('permission denied')
  })

  test('let a program make requests, and nothing else', async ({ app, as }) => {
    await as('postgres', `create role orders login; set role sync_owner; ${grants}`)
    const [made] = await as('orders', request)
    const store = app.deps.store.selectFrom('worker.requests').select(['caller', 'trigger'])
    expect(await store.where('id', '=', String(made?.request)).execute()).toEqual([
      { caller: 'sql:orders', trigger: 'sql' },
    ])
    await expect(as('orders', 'select * from worker.requests')).rejects.toThrow('permission denied')
    await expect(as('orders', 'select * from mirror.topics')).rejects.toThrow('permission denied')
  })

  test('let a reader of one account see only its rows, and new tables not before they are protected', async ({
    as,
    sync,
    accountsSeenBy,
  }) => {
    await as('postgres', `${rowSecurity}; ${reader}`)
    await expect(accountsSeenBy('north_dashboard')).rejects.toThrow('permission denied')
    await as('postgres', perTable)
    expect(await accountsSeenBy('north_dashboard')).toEqual(['north'])
    expect(await as('north_dashboard', 'select account from mirror_access.readers')).toEqual([{ account: 'north' }])
    await expect(
      as('north_dashboard', "insert into mirror_access.readers values ('north_dashboard', 'south')"),
    ).rejects.toThrow('permission denied')
    await expect(as('north_dashboard', 'set row_security = off; select * from mirror.topics')).rejects.toThrow(
      'would be affected by row-level security',
    )

    for (const account of ['north', 'south']) await sync('sync-users', account)
    await expect(accountsSeenBy('north_dashboard', 'users')).rejects.toThrow('permission denied')
    await as('postgres', perTable)
    expect(await accountsSeenBy('north_dashboard', 'users')).toEqual(['north'])

    await as('postgres', 'create role auditor login; grant mirror_reader to auditor')
    expect(await accountsSeenBy('auditor', 'users')).toEqual(['north', 'south'])
    // The worker goes on seeing what it wrote.
    expect(await sync('sync-topics', 'south')).not.toMatchObject({ counts: { inserted: 12 } })
  })

  test('keep the worker from starting while a migration is pending, with what an administrator has to run', async ({
    app,
    as,
    urlOf,
  }) => {
    await as('postgres', 'create database older')
    const older = (user: string) => urlOf(user).replace(/\/postgres$/, '/older')
    const schemas = roles.split(';').filter(statement => !statement.trim().startsWith('create role'))
    await runScript(older('postgres'), schemas.join(';'))
    await using plain = openPlainStore(`${older('postgres')}?options=-c%20role%3Dsync_owner`)
    const released = Object.fromEntries(Object.entries(migrations).slice(0, -1))
    const provider = { getMigrations: async () => released }
    const migrator = new Migrator({ db: plain.store, provider, migrationTableSchema: 'worker' })
    expect(await migrator.migrateToLatest()).not.toHaveProperty('error')
    const [, granted = ''] = /^(grant [\s\S]+;)\ncommit;$/m.exec(renderMigrations('sync_worker')) ?? []
    await runScript(older('postgres'), granted, 'sync_owner')

    const host = { ...hostOfTest, log: captureLog().log }
    const config = { ...app.config, databaseUrl: older('sync_worker') }
    const starting = openApp(config, undefined, host)
    await expect(starting).rejects.toThrow(ConfigError)
    await expect(starting).rejects.toThrow(
      'User "sync_worker" of DATABASE_URL lacks CREATE on schema worker; ownership of the tables of schema worker, which pending migrations change: run the output of "npm run -s cli -- migrate --print --grant-to sync_worker" as an administrator',
    )
    await runScript(older('postgres'), renderMigrations('sync_worker'), 'sync_owner')
    await using _opened = await openApp(config, undefined, host)
    expect(await inspectDatabase(older('sync_worker'))).toMatchObject({ problem: undefined, pending: [] })
  })

  test.for([
    ['revoke usage on schema mirror', 'USAGE on schema mirror', 'grant usage on schema mirror to sync_worker'],
    ['revoke create on schema mirror', 'CREATE on schema mirror', 'grant create on schema mirror to sync_worker'],
    [
      'revoke delete on worker.holds',
      'DELETE on table worker.holds',
      'grant delete on all tables in schema worker to sync_worker',
    ],
    [
      'revoke execute on function worker.rank_offset',
      'EXECUTE on 1 functions of schema worker',
      'grant execute on all functions in schema worker to sync_worker',
    ],
  ] as const)('are told by doctor when one lacks something: %s', async ([revoke, lacks, grant], { as, urlOf }) => {
    await as('postgres', `${revoke} from sync_worker, public`)
    expect((await inspectDatabase(urlOf('sync_worker'))).problem).toEqual({
      found: `User "sync_worker" of DATABASE_URL lacks ${lacks}`,
      remedy: `run as the owner or a superuser: ${grant}`,
    })
    await as('postgres', grant)
    expect((await inspectDatabase(urlOf('sync_worker'))).problem).toBeUndefined()
  })

  test('keep the worker from starting while row security hides rows from it, and doctor says the same', async ({
    app,
    as,
    urlOf,
  }) => {
    const inspect = () => inspectDatabase(urlOf('sync_worker'))
    await as('postgres', 'alter table worker.kysely_migration enable row level security')
    const { problem, pending } = await inspect()
    expect(pending).toEqual([])
    expect(problem).toEqual({
      found: 'Row security keeps user "sync_worker" of DATABASE_URL from the rows of table worker.kysely_migration',
      remedy: 'run as the owner or a superuser: alter table worker.kysely_migration disable row level security',
    })
    const starting = openApp(app.config, undefined, { ...hostOfTest, log: captureLog().log })
    await expect(starting).rejects.toThrow(ConfigError)
    await expect(starting).rejects.toMatchObject({ ...problem })

    await as('postgres', 'alter table worker.audit enable row level security')
    const { problem: several } = await inspect()
    expect(several?.found).toMatch(/from the rows of 2 tables of schema worker$/)
    await as('postgres', statementsOf(several))
    expect(await inspect()).toMatchObject({ problem: undefined, pending: [] })
  })

  test('may have policies of schema worker that let the worker do everything', async ({ as, urlOf }) => {
    const inspect = () => inspectDatabase(urlOf('sync_worker'))
    await as('postgres', 'alter table worker.audit enable row level security')
    await as('postgres', 'create policy reading on worker.audit for select using (true)')
    expect((await inspect()).problem?.found).toMatch(/^Row security .* table worker\.audit$/)
    await as('postgres', 'create policy everything on worker.audit to sync_worker using (true)')
    expect((await inspect()).problem).toBeUndefined()
    await as('postgres', 'alter table worker.audit disable row level security')
  })

  test('are told by doctor when row security is forced on an owner', async ({ as, urlOf }) => {
    const inspect = () => inspectDatabase(`${urlOf('postgres')}?options=-c%20role%3Dsync_owner`)
    await as('postgres', 'alter table worker.live enable row level security, force row level security')
    const { problem } = await inspect()
    expect(problem).toEqual({
      found: 'Row security keeps user "sync_owner" of DATABASE_URL from the rows of table worker.live',
      remedy: 'run as the owner or a superuser: alter table worker.live no force row level security',
    })
    await as('postgres', statementsOf(problem))
    expect((await inspect()).problem?.found).not.toContain('Row security')
    await as('postgres', 'alter table worker.live disable row level security')
  })

  test('may share schema mirror with copies that somebody made', async ({ app, as, urlOf }) => {
    await as('postgres', 'create table mirror.kept as table mirror.topics')
    expect((await inspectDatabase(urlOf('sync_worker'))).problem).toBeUndefined()
    await as('postgres', 'create table mirror.keyed (like mirror.topics including all)')
    expect(await findMirrorTables(app.deps.store)).toEqual(['topics', 'users'])
    await as('postgres', 'drop table mirror.kept, mirror.keyed')
  })

  test('are told by doctor when a mirror table belongs to somebody else', async ({ as, urlOf }) => {
    await as(
      'postgres',
      `alter table mirror.topics owner to ${escapeIdentifier('postgres')}; grant all on mirror.topics to sync_worker`,
    )
    const { problem } = await inspectDatabase(urlOf('sync_worker'))
    expect(problem).toEqual({
      found: 'User "sync_worker" of DATABASE_URL lacks ownership of mirror.topics',
      remedy: 'run as the owner or a superuser: alter table mirror.topics owner to sync_worker',
    })
    await as('postgres', 'alter table mirror.topics owner to sync_worker')
  })
})
