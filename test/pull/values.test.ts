import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { openTestApp, preferredStore, stores } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored, openTableSandbox, readMirror } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

const updatedAt = 'updated_at timestamptz not null default now()'

interface Column {
  readonly type: string
  /** In SQL; those of one place in the lists make a row. */
  readonly values: readonly string[]
  /** How the source's value looks in the mirror, in SQL, where it isn't the same. */
  readonly mirroredAs?: string
}

const test = tableTest
  /** Mirrors a table of these columns: all rows, then those that have changed, then all again. */
  .extend('mirror', ({ sandbox, app }) => async (columns: readonly Column[]) => {
    const rows = Math.max(...columns.map(({ values }) => values.length))
    const table = await sandbox.createTable({
      columns: `id serial primary key, ${columns.map(({ type }, n) => `c${n} ${type}`)}, ${updatedAt}`,
    })
    const names = columns.map((_, n) => `c${n}`)
    for (let row = 0; row < rows; row += 1) {
      await app.hasura.sql(
        `insert into ${table.name} (${names}) values (${columns.map(({ values }) => values[row] ?? 'null')})`,
      )
    }
    const account = app.addAccount()
    const job = table.pull({ pageSize: 2 })
    const mirroredAs = Object.fromEntries(columns.map((column, n) => [`c${n}`, column.mirroredAs ?? `c${n}`]))
    const compare = () => expectMirrored(app, table, account, { mirroredAs })
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: rows } })
    await compare()
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 0, updated: 0 } })
    await app.hasura.sql(
      `update ${table.name} set ${names.map(name => `${name} = null`)}, updated_at = now() where id = 1`,
    )
    expect(await runPull(app, job, account)).toMatchObject({ counts: { updated: 1 } })
    await compare()
    expect(await runPull(app, job, account, { payload: { full: true } })).toMatchObject({
      counts: { inserted: 0, updated: 0 },
    })
    return { values: (column: number) => readMirror(app, table.name, account, [`c${column}`]) }
  })

describe.each(stores)('values in %s', backend => {
  test.override('backend', backend)

  test('arrive as they are, with every digit, microsecond and character', async ({ mirror }) => {
    await mirror([
      { type: 'bigint', values: ['9007199254740993', '-9223372036854775808', '9223372036854775807', '0'] },
      {
        type: 'numeric',
        values: ['123456789012345678901234567890.00000000000000000010', "'NaN'", "'Infinity'", "'-Infinity'", '1.50'],
      },
      {
        type: 'float8',
        values: ["'NaN'", "'Infinity'", "'-Infinity'", '0.1::float8 + 0.2', '5e-324', '1.7976931348623157e308', "'-0'"],
      },
      { type: 'float4', values: ["'NaN'", '0.1', '16777217', '3.4e38'] },
      {
        type: 'timestamptz',
        values: [
          "'2026-01-01 00:00:00.000001+00'",
          "'infinity'",
          "'-infinity'",
          "'0044-03-15 12:00:00+00 BC'",
          "'9999-12-31 23:59:59.999999+14'",
        ],
      },
      { type: 'timestamp', values: ["'2026-03-29 02:30:00.123456'", "'infinity'"] },
      { type: 'date', values: ["'2024-02-29'", "'-infinity'", "'0001-01-01 BC'"] },
      { type: 'timetz', values: ["'23:59:59.999999+05:30'", "'24:00:00-12'"] },
      { type: 'interval', values: ["'1 year 2 mons -3 days 04:05:06.789012'", "'-1 sec'", "'178000000 years'"] },
      { type: 'bytea', values: ["'\\x'", "'\\x00ff10'", "convert_to('ünï', 'UTF8')"] },
      { type: 'uuid', values: ["'ABCDEF00-0000-4000-8000-000000000001'", 'gen_random_uuid()'] },
      { type: 'boolean', values: ['true', 'false'] },
      {
        type: 'text',
        values: [
          "''",
          "' '",
          "E'\\n\\t\\r\\x01'",
          `'"\\u0000" as it is written'`,
          `'👩‍👩‍👧 e\u0301 \ufeff \u2028'`,
          "'null'",
        ],
      },
      {
        type: 'jsonb',
        values: [
          `'{"n": 9007199254740993, "d": 0.1234567890123456789012345, "e": 1e400, "deep": [[123456789012345678901]]}'`,
          `'{"": {"\\u2028": "\\"\\\\"}, "same": 1, "same": 2, "data": {"rows": []}}'`,
          `'null'`,
          `'"text"'`,
          `'18446744073709551616'`,
          `'[]'`,
        ],
      },
      {
        type: 'json',
        values: [`'{"b": 9007199254740993.10, "a": 1, "a": 2}'`, `'[ 1 , 2 ]'`],
      },
    ])
  })

  test('of arrays are kept as the JSON that the API gives', async ({ mirror }) => {
    const { values } = await mirror([
      {
        type: 'text[]',
        values: [`'{}'`, `array['a"b', null, '{}']`, `'{{a,b},{c,d}}'`],
        mirroredAs: 'to_json(c0)::text',
      },
    ])
    expect(await values(0)).toContain(String.raw`{"c0": "[\"a\\\"b\",null,\"{}\"]"}`)
  })

  test('of types that the worker has never heard of are kept as text', async ({ app, mirror }) => {
    const mood = `mood_${backend}`
    await app.hasura.sql(`create type ${mood} as enum ('sad', 'so so', 'Happy')`)
    // PGlite has no extensions at hand.
    if (hasPostgres) await app.hasura.sql('create extension if not exists citext')
    const values = {
      [mood]: [`'Happy'`, `'so so'`],
      ...(hasPostgres && { citext: [`'Ab'`, `'aB'`] }),
      inet: [`'10.0.0.1/8'`, `'::1'`],
      int4range: [`'[1,5)'`, `'empty'`],
    }
    await mirror(
      Object.entries(values).map(([type, values], n) => ({ type, values, mirroredAs: `to_json(c${n}) #>> '{}'` })),
    )
  })

  test('that differ in nothing but case, accents or form are different', async ({ sandbox, app }) => {
    const table = await sandbox.createTable({
      columns: `id serial primary key, v text, ${updatedAt}`,
    })
    await app.hasura.sql(`insert into ${table.name} (v) values ('a')`)
    const account = app.addAccount()
    await runPull(app, table.pull(), account)
    for (const value of ['A', 'á', 'a\u0301']) {
      await app.hasura.sql(`update ${table.name} set v = '${value}', updated_at = now()`)
      expect(await runPull(app, table.pull(), account)).toMatchObject({ counts: { updated: 1 } })
      await expectMirrored(app, table, account)
    }
  })

  test('of 500 columns arrive in each of them', async ({ sandbox, app }) => {
    const names = Array.from({ length: 497 }, (_, n) => `c${n}`)
    const table = await sandbox.createTable({
      columns: `id int primary key, ${names.map(name => `${name} numeric`)}, ${updatedAt}`,
    })
    await app.hasura.sql(
      `insert into ${table.name} select n, ${names.map((_, n) => `n + ${n} / 8.0`)} from generate_series(1, 25) n`,
    )
    const account = app.addAccount()
    await runPull(app, table.pull({ pageSize: 10 }), account)
    await expectMirrored(app, table, account)
    await app.hasura.sql(`update ${table.name} set c496 = -1, updated_at = now() where id <= 3`)
    expect(await runPull(app, table.pull({ pageSize: 10 }), account)).toMatchObject({ counts: { updated: 3 } })
    await expectMirrored(app, table, account)
  })

  test('of json are kept as they were written, though jsonb could not hold them', async ({ sandbox, app }) => {
    const written = [
      '1e200000',
      '{ "b": 1.0, "a": 2, "a": 3 }',
      '["x\\u0000y"]',
      '["\\ud83d", "\\udc00\\ud83d"]',
      '"é\\/"',
    ]
    const table = await sandbox.createTable({ columns: `id serial primary key, v json, ${updatedAt}` })
    for (const value of written) await app.hasura.sql(`insert into ${table.name} (v) values ($$${value}$$)`)
    const account = app.addAccount()
    await runPull(app, table.pull(), account)
    expect(await runPull(app, table.pull(), account, { payload: { full: true } })).toMatchObject({
      counts: { updated: 0 },
    })
    const { rows } = await sql<{ v: string }>`select v::text as v from ${sql.table(`mirror.${table.name}`)}
      where _account = ${account} order by id`.execute(app.deps.store)
    expect(rows.map(({ v }) => v)).toEqual(written)
  })
})

test.for([
  ['text[]', "array['a', 'b']", /"id" can't be a key column: its type, _text!?, has no order/],
  // A type of the database's owner, which might as well be an enum.
  ['int_pair', 'row(1, 2)::int_pair', /"id" holds lists or objects/],
] as const)('a key of type %s is told with its column', async ([_type, value, found], { sandbox }) => {
  await sandbox.hasura.sql('drop type if exists int_pair cascade; create type int_pair as (a int, b int)')
  const table = await sandbox.createTable({
    isView: true,
    columns: `select ${value} as id, timestamptz '2026-01-01' as updated_at`,
  })
  await using app = await openTestApp({ backend: preferredStore, sandbox })
  await expect(runPull(app, table.pull(), app.addAccount())).rejects.toMatchObject({
    message: expect.stringMatching(found),
  })
})

test.runIf(hasPostgres)(
  'an interval means what it means in its source, whatever the style is in which that writes it',
  async () => {
    await using source = await createDatabase({ settings: { IntervalStyle: "'sql_standard'" } })
    await using styled = await openTableSandbox({ hasura: { databaseUrl: source.url } })
    await using app = await openTestApp({ backend: 'postgres', sandbox: styled })
    const spans = [
      '-1 days -02:03:04',
      '-1 days +02:03:04',
      '1 day',
      '-2:03:04',
      '-1 years -2 mons',
      '-1 mons -3 days +00:00:01',
      '0',
    ]
    const table = await styled.createTable({ columns: `id interval primary key, span interval, ${updatedAt}` })
    for (const span of spans) await app.hasura.sql(`insert into ${table.name} (id, span) values ('${span}', '${span}')`)
    const account = app.addAccount()
    expect(await runPull(app, table.pull({ pageSize: 2 }), account)).toMatchObject({
      counts: { inserted: spans.length },
    })
    const { rows } = await sql<{
      span: string
      id: string
    }>`select span::text, id::text from ${sql.table(`mirror.${table.name}`)}
    order by id`.execute(app.deps.store)
    const meant = await app.hasura.sql(
      `with style as (select set_config('IntervalStyle', 'postgres', true)) select span::text, id::text from ${table.name}, style order by id`,
    )
    expect(rows).toEqual(meant)
    await app.hasura.sql(`delete from ${table.name} where id = '1 day'`)
    expect(await runPull(app, table.pull({ pageSize: 2 }), account, { payload: { sweep: true } })).toMatchObject({
      counts: { deleted: 1, inserted: 0, updated: 0 },
    })
  },
)
