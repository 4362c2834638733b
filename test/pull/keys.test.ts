import { describe, expect } from 'vitest'
import { openTestApp, stores, type TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored, readMirror, type SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { literal } from '../sandbox/hasura/sql-builder.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

/** One instant for all rows, so that the key alone says where a page ends. */
const updatedAt = "updated_at timestamptz not null default '2026-01-01 00:00:00.000001+00'"

/** In an order of its own under each collation, and hard to tell apart or to quote. */
const texts = [
  ...'a A á a\u0301 ä ae æ b B z Z ß ss i I ı İ co-op coop _ - 1 10 2 ٢ 🐘 👩‍👩‍👧 \ufeff 文 あ ア'.split(' '),
  ..."' '' o'brien \" say\"hi\" \\ \\\\ \\n \\u0000 % {} [1] $1 -- null NULL".split(' '),
  ...['', ' ', 'a ', ' a', 'co op', '\n', '\t', '\u0001'],
]

/** Rows that change, all rows, and a comparison of all keys each page by the key. */
async function pullAndSweep(app: TestApp, table: SourceTable, rows: number): Promise<void> {
  const gone = Math.min(5, Math.floor(rows / 2))
  const account = app.addAccount()
  const job = table.pull({ pageSize: 3 })
  expect(await runPull(app, job, account)).toMatchObject({ counts: { read: rows, inserted: rows } })
  await expectMirrored(app, table, account)
  await app.hasura.sql(`update "${table.name}" set updated_at = now()`)
  expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 0, updated: rows } })
  expect(await runPull(app, job, account, { payload: { full: true } })).toMatchObject({
    counts: { inserted: 0, updated: 0 },
  })
  await expectMirrored(app, table, account)
  await app.hasura.sql(`delete from "${table.name}" where ctid in (select ctid from "${table.name}" limit ${gone})`)
  const sweep = { payload: { sweep: true } }
  expect(await runPull(app, job, account, sweep)).toMatchObject({ counts: { inserted: 0, updated: 0, deleted: gone } })
  await expectMirrored(app, table, account)
}

const test = tableTest.extend('databases', { scope: 'file' }, async ({ closing }) => ({
  C: closing.use(await createDatabase()),
  tr: closing.use(await createDatabase({ icuLocale: 'tr-TR' })),
}))

describe.runIf(hasPostgres)('texts as keys', () => {
  test.for([
    ['C', 'tr'],
    ['en-x-icu', 'C'],
    ['sv-x-icu', 'tr'],
  ] as const)(
    'sorted as %s at the API and as %s here are all mirrored, none twice',
    async ([collation, here], { sandbox, databases }) => {
      const env = { DATABASE_URL: databases[here].url }
      await using app = await openTestApp({ backend: 'postgres', sandbox, env })
      const table = await sandbox.createTable({ columns: `id text collate "${collation}" primary key, ${updatedAt}` })
      await app.hasura.sql(`insert into ${table.name} (id) values ${texts.map(text => `(${literal(text)})`)}`)
      await pullAndSweep(app, table, texts.length)
    },
  )
})

describe.each(stores)('a pull into %s', backend => {
  test.override('backend', backend)

  test('pages by a key of several columns of different types', async ({ sandbox, app }) => {
    const table = await sandbox.createTable({
      columns: `kind text, number bigint, day date, note text, primary key (kind, number, day), ${updatedAt}`,
      key: ['kind', 'number', 'day'],
    })
    await app.hasura.sql(`insert into ${table.name} (kind, number, day)
      select kind, number, day
      from unnest(array['a', 'B', 'b']) kind, unnest(array[-1, 9007199254740992, 9007199254740993]) number,
        unnest(array['-infinity', '2026-01-01', 'infinity']::date[]) day`)
    await pullAndSweep(app, table, 27)
  })

  test.for([
    ['bigint', ['9223372036854775806', '9223372036854775807', '-9223372036854775808', '0', '9007199254740993']],
    [
      'numeric',
      ["'NaN'", "'Infinity'", "'-Infinity'", '0.00000000000000000001', '0.00000000000000000002', '5', '1e30'],
    ],
    [
      'timestamptz',
      ["'2026-01-01 00:00:00.000001+00'", "'2026-01-01 00:00:00.000002+00'", "'infinity'", "'-infinity'"],
    ],
    ['boolean', ['true', 'false']],
    ['integer', ['-2147483648', '2147483647', '0', '1']],
    ['float8', ["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", '0.1', '0.1::float8 + 0.2', '0.3', '5e-324', '1e308']],
    // GraphQL's own Float, which JSON writes as a number where it is one.
    ['real', ["'NaN'", "'Infinity'", "'-Infinity'", "'-0'", '0.1', '16777217', '1e-45', '3.4e38']],
    ['money', ['0', '0.01', '-1', '90071992547409.93', '1234.5']],
  ] as const)('pages by a key of type %s', async ([type, values], { sandbox, app }) => {
    const table = await sandbox.createTable({ columns: `id ${type} primary key, ${updatedAt}` })
    await app.hasura.sql(`insert into ${table.name} (id) values ${values.map(value => `(${value})`)}`)
    await pullAndSweep(app, table, values.length)
  })

  test('says that a key doesn’t tell rows apart, and isn’t tried again', async ({ sandbox, app }) => {
    const table = await sandbox.createTable({
      columns: `a int, b int, primary key (a, b), ${updatedAt}`,
      key: 'a',
    })
    const account = app.addAccount()
    const job = table.pull()
    await app.hasura.sql(`insert into ${table.name} values (1, 1)`)
    await runPull(app, job, account)
    await app.hasura.sql(`insert into ${table.name} values (2, 1, now()), (2, 2, now())`)
    for (const options of [{}, { payload: { full: true } }, { dryRun: true }]) {
      const error = await runPull(app, job, account, options).catch((reason: unknown) => reason)
      expect(error).toMatchObject({
        name: 'PermanentError',
        message: `Two rows of one page have the same "a", so the key of ${job.name} is not unique: choose another "key" for it`,
      })
    }
  })

  test('mirrors a table and columns that are called by reserved words and with capital letters', async ({
    sandbox,
    app,
  }) => {
    const table = await sandbox.createTable({
      name: `${backend}Order`,
      columns:
        '"select" int, "Group" text, "order" bigint not null default 1, "user" text, primary key ("Group", "select")',
      key: ['Group', 'select'],
      cursor: 'order',
    })
    await app.hasura.sql(
      `insert into "${table.name}" ("select", "Group", "user") select n, 'G' || n % 3, 'me' from generate_series(1, 9) n`,
    )
    const account = app.addAccount()
    const job = table.pull({ pageSize: 2 })
    await runPull(app, job, account)
    await expectMirrored(app, table, account)
    await app.hasura.sql(`update "${table.name}" set "order" = 2, "user" = null where "select" = 4`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 0, updated: 1 } })
    await expectMirrored(app, table, account)
  })

  test('mirrors by the names that the API gives, not those that its database has', async ({ sandbox, app }) => {
    const metadata = {
      configuration: {
        custom_name: `Documents_${backend}`,
        column_config: { id: { custom_name: 'documentId' }, updated_at: { custom_name: 'updatedAt' } },
      },
    }
    const table = await sandbox.createTable({
      ...{ columns: `id int primary key, ${updatedAt}`, key: 'documentId', cursor: 'updatedAt' },
      metadata: { ...metadata, select_permissions: [{ role: 'viewer', permission: { columns: '*', filter: {} } }] },
    })
    await app.hasura.sql(`insert into ${table.name} select n from generate_series(1, 5) n`)
    const account = app.addAccount()
    await runPull(app, table.pull({ pageSize: 2 }), account)
    await expectMirrored(app, table, account, { mirroredAs: { documentId: 'id', updatedAt: 'updated_at' } })
  })

  test('mirrors columns whose names it keeps for itself under those that the document gives them', async ({
    sandbox,
    app,
  }) => {
    const own = ['_id', '_change', '_account', '_deleted_at', '_row']
    const renamed = own.map(name => `column${name}`)
    const table = await sandbox.createTable({
      columns: `${own[0]} int, ${own[1]} timestamptz not null default '2026-01-01', ${own[2]} text, ${own[3]} timestamptz,
        ${own[4]} int not null default 7, primary key (${own[0]}, ${own[4]})`,
    })
    await app.hasura.sql(`insert into ${table.name} (_id, _account) select n, 'a' || n from generate_series(1, 9) n`)
    const job = table.pull({
      columns: own.map((name, at) => `${renamed[at]}: ${name}`),
      key: ['column_id', 'column_row'],
      cursor: 'column_change',
      softDelete: 'column_deleted_at',
      pageSize: 2,
    })
    const account = app.addAccount()
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 9 } })
    await app.hasura.sql(`update ${table.name} set _change = now(), _account = 'changed' where _id = 4;
      update ${table.name} set _change = now(), _deleted_at = now() where _id = 5;
      delete from ${table.name} where _id = 6`)
    expect(await runPull(app, job, account, { payload: { sweep: true } })).toMatchObject({
      counts: { inserted: 0, updated: 1, deleted: 2 },
    })
    const source =
      await app.hasura.sql(`select jsonb_build_object('column_id', _id, 'column_account', _account)::text as row
      from ${table.name} where _deleted_at is null`)
    const here = await readMirror(app, table.name, account, ['column_id', 'column_account'])
    expect(here.sort()).toEqual(source.map(({ row }) => row).sort())
  })

  test('mirrors a view, which says of no column that it is never null', async ({ sandbox, app }) => {
    const table = await sandbox.createTable({ columns: `id int primary key, ${updatedAt}` })
    await app.hasura.sql(`insert into ${table.name} select n from generate_series(1, 5) n`)
    const view = await sandbox.createTable({
      columns: `select id, id * 2 as twice, updated_at from ${table.name}`,
      isView: true,
    })
    const account = app.addAccount()
    expect(await runPull(app, view.pull({ pageSize: 2 }), account)).toMatchObject({ counts: { inserted: 5 } })
    await expectMirrored(app, view, account)
  })
})
