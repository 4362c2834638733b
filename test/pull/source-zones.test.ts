import { expect } from 'vitest'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'

/** A source whose database is in New York, and whose `now()` so is hours behind UTC where it is kept without a zone. */
const test = tableTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { timeZone: 'America/New_York' } })
  /** Three rows, then one that is inserted and one that is updated, each found by the next run alone. */
  .extend(
    'expectFound',
    ({ sandbox, app, account }) =>
      async (type: string, now: string, seed: readonly string[] = []): Promise<void> => {
        const table = await sandbox.createTable({
          columns: `id int primary key, title text, updated_at ${type} not null default (${now})`,
        })
        const insert = (id: number, at = now) =>
          app.hasura.sql(`insert into ${table.name} values (${id}, 'row', ${at})`)
        for (const [n, at] of [now, now, now, ...seed].entries()) await insert(10 + n, at)
        const job = table.pull({ sweep: false, pageSize: 2 })
        expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 3 + seed.length } })
        for (const id of [1, 2]) {
          await insert(id)
          expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 1, updated: 0 } })
          await app.hasura.sql(`update ${table.name} set title = 'changed', updated_at = ${now} where id = ${id}`)
          expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 0, updated: 1 } })
          // Each shows it in its own zone.
          if (type !== 'timestamptz') await expectMirrored(app, table, account)
        }
      },
  )

test.for([
  ['timestamp', 'now()'],
  ['timestamp', "now() at time zone 'UTC'"],
  ['timestamp', "now() at time zone 'Etc/GMT+12'"],
  ['timestamp', "now() at time zone 'Pacific/Kiritimati'"],
  ['timestamp(0)', 'now()'],
  ['date', "now() at time zone 'Etc/GMT+12'"],
  ['date', "now() at time zone 'Pacific/Kiritimati'"],
  ['date', 'current_date'],
  ['timestamptz', 'now()'],
] as const)('a %s that is %s is found', async ([type, now], { expectFound }) => {
  await expectFound(type, now)
})

test.for([
  ['timestamp', ["'infinity'", "'2099-12-31'", "'294276-12-31'", "'-infinity'", "'0044-03-15 BC'"]],
  ['timestamp', ["now() + interval '3 hours'", "now() + interval '30 hours'"]],
  ['date', ["'infinity'", "'2099-12-31'", 'current_date + 1', "'-infinity'"]],
  ['timestamptz', ["'infinity'", "'2099-12-31'", "now() + interval '3 hours'"]],
] as const)('a %s is found behind rows at %s', async ([type, seed], { expectFound }) => {
  await expectFound(type, 'now()', seed)
})

test('is found after a row of a writer whose zone is ahead', async ({ expectFound }) => {
  await expectFound('timestamp', 'now()', ["now() at time zone 'Asia/Tokyo'"])
})

test('a table that rests is read again only from 5 minutes before its greatest timestamp', async ({
  sandbox,
  app,
  account,
}) => {
  const table = await sandbox.createTable({ columns: 'id int primary key, updated_at timestamp not null' })
  const job = table.pull({ sweep: false })
  await app.hasura.sql(
    `insert into ${table.name} select n, date '2020-01-01' + n * interval '1 minute' from generate_series(1, 50) n`,
  )
  await runPull(app, job, account)
  expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 6, unchanged: 6 } })
})

const uuidAt = (time: string) =>
  `(lpad(to_hex((extract(epoch from ${time}) * 1000)::bigint), 12, '0') || '70008000000000000000')::uuid`

test.for([
  ['timestamp', undefined, "timestamp '2020-01-02 00:00'", "timestamp '2020-01-01 23:56'"],
  ['timestamp', 36_000, "timestamp '2020-01-02 00:00'", "timestamp '2020-01-01 14:01'"],
  ['timestamp', 43_500, "timestamp '2020-01-02 00:00'", "timestamp '2020-01-01 14:01'"],
  ['timestamp', 86_400, "timestamp '2020-01-02 00:00'", "timestamp '2020-01-01 14:01'"],
  ['date', 259_200, "date '2020-01-04'", "date '2020-01-01'"],
  ['uuid', undefined, uuidAt("timestamp '2020-01-02 00:05'"), uuidAt("timestamp '2020-01-02 00:01'")],
  ['uuid', 3_600, uuidAt("timestamp '2020-01-02 02:00'"), uuidAt("timestamp '2020-01-02 01:01'")],
] as const)(
  'a %s, with a lookback of %s seconds, is found although it is %s that was seen, long ago',
  async ([type, lookback, seen, late], { sandbox, app, account }) => {
    const table = await sandbox.createTable({ columns: `id int primary key, updated_at ${type} not null` })
    const job = table.pull({ sweep: false, ...(lookback !== undefined && { lookback }) })
    await app.hasura.sql(`insert into ${table.name} values (1, ${seen})`)
    await runPull(app, job, account)
    await app.hasura.sql(`insert into ${table.name} values (2, ${late})`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 1 } })
  },
)

test.for(['timestamp', 'date'])(
  'a %s that only grows, and is years behind, is found',
  async (type, { sandbox, app, account }) => {
    const table = await sandbox.createTable({ columns: `id serial primary key, updated_at ${type} not null` })
    const job = table.pull({ sweep: false })
    await app.hasura.sql(`insert into ${table.name} (updated_at) values ('infinity')`)
    await runPull(app, job, account)
    for (const day of ['2019-12-31', '2020-01-01', '2020-01-01', '2020-02-29']) {
      await app.hasura.sql(`insert into ${table.name} (updated_at) values ('${day}')`)
      expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 1 } })
    }
    await expectMirrored(app, table, account)
  },
)
