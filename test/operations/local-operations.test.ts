import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { createControl } from '../../src/http/create-control.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { appTest } from '../fixtures/app-test.ts'
import { letIn } from '../fixtures/let-in.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'

const test = appTest
  .extend('appOptions', { scope: 'file' }, { clients: [{ clientId: 'north' }, { clientId: 'south' }] })
  .extend('oddTable', { scope: 'file', auto: true }, async ({ apps }) => {
    const { store } = (await apps('embedded')).deps
    await sql`create table mirror."Odd ""name""" (
      _account text not null, "r" bigint, "größe" numeric(12,2), real real, at timestamptz, doc json, bytes bytea, list int[],
      _synced_at timestamptz not null, _deleted_at timestamptz, _revived_at timestamptz, _change bigint not null,
      primary key (_account, "größe", "r"))`.execute(store)
    await sql`insert into mirror."Odd ""name""" values
      ('south', 9007199254740993, 12.50, 0.1, '2026-01-01 00:00:00.123456+00', '{"n": 1.10, "n": 2}', '\\x00ff', '{1,null}', now(), null, null, 1),
      ('north', 3, 'NaN', 'infinity', '1999-12-31 23:59:59+00', '[9007199254740993]', null, '{}', now(), now(), null, 2),
      ('north', 2, -0.10, 1e30, 'infinity', null, null, null, now(), null, null, 3)`.execute(store)
    await sql`create table mirror.copied as table mirror."Odd ""name"""`.execute(store)
  })

const wanted = { table: 'Odd "name"', account: undefined, limit: 20 }
const rowsOf = async (app: TestApp, more: object = {}) =>
  (await app.operations.listMirrorRows({ ...wanted, ...more })).rows

describe('rows of a mirror table', () => {
  test('come in the order of the primary key, deleted ones too', async ({ app }) => {
    const rows = (await rowsOf(app)).map(row => JSON.parse(row))
    expect(rows.map(({ _account, r }) => [_account, String(r)])).toEqual([
      ['north', '2'],
      ['north', '3'],
      ['south', '9007199254740992'],
    ])
    expect(rows.map(row => row._deleted_at !== null)).toEqual([false, true, false])
  })

  test('keep every digit and spelling that the mirror has', async ({ app }) => {
    const [, north, south] = await rowsOf(app)
    expect(south).toContain('"r":9007199254740993,"größe":12.50,"real":0.1,"at":"2026-01-01T00:00:00.123456+00:00"')
    expect(south).toContain('"doc":{"n": 1.10, "n": 2},"bytes":"\\\\x00ff","list":[1,null]')
    expect(north).toContain('"größe":"NaN","real":"Infinity"')
    expect(north).toContain('"doc":[9007199254740993]')
  })

  test('are those of one account, and as many as are asked for', async ({ app }) => {
    expect(await rowsOf(app, { account: 'south' })).toHaveLength(1)
    expect(await rowsOf(app, { table: 'mirror.Odd "name"', account: 'south' })).toHaveLength(1)
    expect(await app.operations.listMirrorRows({ ...wanted, limit: 2 })).toMatchObject({ hasMore: true })
    expect(await app.operations.listMirrorRows({ ...wanted, limit: 3 })).toMatchObject({ hasMore: false })
  })

  test.for<[string, object, string]>([
    [
      'a table that is misspelt',
      { table: 'odd name' },
      'There is no mirror table "odd name": did you mean Odd "name"?',
    ],
    [
      'a table of another schema',
      { table: 'worker.runs' },
      'There is no mirror table "worker.runs": the mirror tables are Odd "name", users, topics, articles',
    ],
    ['a copy that somebody made', { table: 'copied' }, 'There is no mirror table "copied"'],
    ['a job', { table: 'sync-users' }, '"sync-users" is a job: its rows are in users'],
    [
      'a table whose job has not run',
      { table: 'mirror.users' },
      `Mirror table "users" does not exist yet: sync-users creates it in its first run`,
    ],
    ['an account that is misspelt', { account: 'nort' }, 'There is no account "nort": did you mean north?'],
  ])('are refused for %s', async ([_what, more, sentence], { app }) => {
    await expect(rowsOf(app, more)).rejects.toThrow(sentence)
  })

  test('of an account that is no longer configured are there as well', async ({ app }) => {
    await sql`insert into mirror."Odd ""name""" ("_account", "r", "größe", _synced_at, _change)
      values ('former', 1, 1, now(), 4)`.execute(app.deps.store)
    expect(await rowsOf(app, { account: 'former' })).toHaveLength(1)
  })

  test('are served on the control socket, and never over TCP', async ({ app }) => {
    const { operations } = app
    const { log } = app.logged
    const url = `/rows?${new URLSearchParams({ table: wanted.table, account: 'south', limit: '5' })}`
    await using control = createControl({ operations, log })
    expect((await control.inject({ url })).json()).toEqual({
      table: wanted.table,
      rows: await rowsOf(app, { account: 'south' }),
      hasMore: false,
    })
    await using http = createHttp({ operations, log, authorize: letIn })
    expect((await http.inject({ url })).statusCode).toBe(404)
    expect(app.logged.text()).not.toContain('9007199254740993')
  })
})

test.for<[string, (app: TestApp) => Promise<unknown>, string]>([
  [
    'runs of a job',
    ({ operations }) => operations.listRuns({ job: 'sync-user', limit: 1 }),
    'job "sync-user": did you mean sync-users?',
  ],
  [
    'a reset',
    ({ operations }) => operations.reset({ job: 'sync-user', account: 'north' }),
    'job "sync-user": did you mean sync-users?',
  ],
  [
    'an account to reset',
    ({ operations }) => operations.reset({ job: 'sync-users', account: 'nort' }),
    'account "nort": did you mean north?',
  ],
  [
    'an account to forget',
    ({ operations }) => operations.forget({ account: 'nort', configured: false }),
    'account "nort": did you mean north?',
  ],
])('a name that nothing has is told: %s', async ([_what, ask, sentence], { app }) => {
  await expect(ask(app)).rejects.toThrow(`There is no ${sentence}`)
})

test('a job that has not run yet has no runs, which is no mistake', async ({ app }) => {
  expect(await app.operations.listRuns({ job: 'bootstrap-account', limit: 1 })).toEqual([])
})
