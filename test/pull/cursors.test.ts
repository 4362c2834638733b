import { expect } from 'vitest'
import { systemClock } from '../../src/time/clock.ts'
import { openTestApp, preferredStore } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'

const test = tableTest.extend('backend', preferredStore)

test.for([
  ['integer', ['-5', '0', '7'], '8'],
  ['bigint', ['9007199254740992', '9007199254740993'], '9007199254740994'],
  ['numeric', ['0.1', '0.10000000000000000001', '1e20'], '1e20 + 0.1'],
  ['numeric', ['1', "'Infinity'"], "'Infinity'"],
  ['numeric', ['1', "'NaN'"], "'NaN'"],
  ['float8', ['0.1', '0.1::float8 + 0.2', "'Infinity'"], "'NaN'"],
  ['real', ['0.1', "'-Infinity'", "'Infinity'"], "'NaN'"],
  ['real', ['0.1', "'NaN'"], '0.2'],
  ['float8', ['1e20', "'NaN'"], '1e21'],
  ['text', ["'a'", "'B'", "'b'"], "'c'"],
  ['uuid', ["'00000000-0000-7000-8000-000000000001'"], "'00000000-0000-7000-8000-000000000002'"],
  ['date', ["'-infinity'", "'2026-01-01'", 'current_date'], 'current_date'],
  ['timestamp', ["'2026-01-01 00:00:00.000001'", "now() at time zone 'UTC'"], "now() at time zone 'UTC'"],
  ['timestamptz', ["'2026-01-01 00:00:00.000001+00'", 'now()', "'infinity'"], 'now()'],
] as const)(
  'a cursor of type %s with %s finds what comes at %s',
  async ([type, first, later], { sandbox, app, account }) => {
    const table = await sandbox.createTable({ columns: `id serial primary key, c ${type} not null`, cursor: 'c' })
    const insert = (value: string) => sandbox.hasura.sql(`insert into ${table.name} (c) values (${value})`)
    for (const value of [...first, ...first]) await insert(value)
    const job = table.pull({ pageSize: 2 })
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 2 * first.length } })
    for (const _ of [1, 2, 3]) await insert(later)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 3, updated: 0 } })
    await expectMirrored(app, table, account)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 0, updated: 0 } })
  },
)

test.for([
  ['timestamptz', 'clock_timestamp()'],
  ['timestamp', "clock_timestamp() at time zone 'America/New_York'"],
  ['bigint', '(extract(epoch from clock_timestamp()) * 1000000)::bigint'],
] as const)(
  'a scan by a %s ends, though a row has changed whenever it is asked for',
  async ([type, now], { sandbox, app, account }) => {
    const rows = await sandbox.createTable({ columns: `id int primary key, c ${type} not null`, cursor: 'c' })
    const view = await sandbox.createTable({
      columns: `select id, case when id = 0 then ${now} else c end as c from ${rows.name}`,
      isView: true,
      cursor: 'c',
    })
    await app.hasura.sql(`insert into ${rows.name} select n, ${now} from generate_series(0, 5) n`)
    const job = view.pull({ pageSize: 4, sweep: false })
    await runPull(app, job, account)
    await app.hasura.sql(`update ${rows.name} set c = ${now}`)
    const endless = new AbortController()
    let pages = 0
    const onProgress = () => {
      pages += 1
      if (pages > 20) endless.abort(new Error('it goes on'))
    }
    expect(await runPull(app, job, account, { signal: endless.signal, onProgress })).toMatchObject({
      counts: { inserted: 0, deleted: 0 },
    })
  },
)

test('a cursor whose order only the API knows moves on, also where its texts are in another order', async ({
  sandbox,
  app,
  account,
}) => {
  const table = await sandbox.createTable({ columns: 'id serial primary key, c xid8 not null', cursor: 'c' })
  const insert = (value: number) => sandbox.hasura.sql(`insert into ${table.name} (c) values ('${value}')`)
  const job = table.pull()
  await insert(9)
  await runPull(app, job, account)
  await insert(10)
  expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 2, inserted: 1 } })
  expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 1 } })
  for (const value of [99, 100, 101]) {
    await insert(value)
    const rung = { payload: { rung: true } }
    expect(await runPull(app, job, account, rung)).toMatchObject({ counts: { read: 2, inserted: 1 } })
  }
  await expectMirrored(app, table, account)
})

test('a cursor may be the key itself', async ({ sandbox, app, account }) => {
  const table = await sandbox.createTable({ columns: 'id bigserial primary key, title text', cursor: 'id' })
  const insert = () => sandbox.hasura.sql(`insert into ${table.name} (title) select 'row' from generate_series(1, 5)`)
  const job = table.pull({ pageSize: 2 })
  for (const _ of [1, 2, 3]) {
    await insert()
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 5, updated: 0 } })
  }
  await expectMirrored(app, table, account)
})

test.for([
  ['ahead', 5],
  ['behind', -5],
] as const)(
  'a scan is bounded by the API’s time, though the worker’s clock is hours %s',
  async ([_how, hours], { sandbox }) => {
    const clock = { ...systemClock, now: () => Date.now() + hours * 3_600_000 }
    await using wrong = await openTestApp({ backend: 'embedded', sandbox, clock })
    const name = wrong.addAccount()
    const table = await sandbox.createTable({
      columns: 'id int primary key, updated_at timestamptz not null default now()',
    })
    const job = table.pull({ sweep: false })
    const scannedAt = async () => {
      const row = await wrong.deps.store
        .selectFrom('worker.checkpoints')
        .select('scanned_at')
        .where('job', '=', job.name)
        .executeTakeFirst()
      return Date.parse(row?.scanned_at ?? '')
    }
    for (const id of [1, 2, 3]) {
      // The header tells whole seconds, and a server may keep it for one.
      const begunAt = Date.now() - 2_000
      await sandbox.hasura.sql(`insert into ${table.name} values (${id})`)
      expect(await runPull(wrong, job, name)).toMatchObject({ counts: { inserted: 1 } })
      expect(await scannedAt()).toBeGreaterThanOrEqual(begunAt)
      expect(await scannedAt()).toBeLessThanOrEqual(Date.now())
    }
    await expectMirrored(wrong, table, name)
  },
)
