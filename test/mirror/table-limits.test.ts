import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { inspectContract } from '../../src/doctor/inspect-contract.ts'
import { renderExplanation } from '../../src/explanation.ts'
import { findRowRisk, findTableProblems } from '../../src/mirror/table-limits.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { createNumberedTable, expectMirrored } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { hasPostgres } from '../services/postgres.ts'

const columnsOf = (count: number, type: string, nullable = false) =>
  Array.from({ length: count }, (_, n) => ({ name: `c${n}`, type, nullable }))

const values: Record<string, string> = {
  smallint: '1',
  integer: '1',
  bigint: '1',
  real: '1',
  boolean: 'true',
  uuid: "'00000000-0000-4000-8000-000000000001'",
  date: "'2026-01-01'",
  'time with time zone': "'00:00Z'",
  'timestamp with time zone': "'2026-01-01Z'",
  interval: "'1 day'",
}

const test = tableTest
  /** Whether Postgres takes a row of a table like a mirror's with all of these filled. */
  .extend('isTaken', ({ app }) => async (types: readonly string[]): Promise<boolean> => {
    const all = [...types, 'timestamptz', 'timestamptz', 'timestamptz', 'bigint']
    const filled = [...types.map(type => values[type]), 'now()', 'null', 'null', '1']
    const names = all.map((_, n) => `c${n}`)
    const taken = app.deps.store.transaction().execute(async tx => {
      await sql.raw(`create table mirror.wide (a text, ${names.map((name, n) => `${name} ${all[n]}`)})`).execute(tx)
      await sql.raw(`insert into mirror.wide values ('a', ${filled})`).execute(tx)
      throw new Error('taken')
    })
    const error: unknown = await taken.catch((thrown: unknown) => thrown)
    if (error instanceof Error && 'code' in error) expect(error.code).toBe('54000')
    return error instanceof Error && error.message === 'taken'
  })

describe('what a table can hold', () => {
  test.each([
    ['1,595 columns', columnsOf(1595, 'text', true), ['c0'], []],
    ['1,596 columns', columnsOf(1596, 'text', true), ['c0'], [/1596 columns.*1595.*select fewer/]],
    ['a key of 32 columns', columnsOf(40, 'integer'), columnsOf(32, '').map(({ name }) => name), [/32 columns.*31/]],
    [
      '1,000 bigints that are never null',
      columnsOf(1000, 'bigint'),
      ['c0'],
      [/at least \d+ bytes.*8160.*select fewer/],
    ],
    ['1,000 that may be', columnsOf(1000, 'bigint', true), ['c0'], []],
  ])('%s', (_what, columns, key, sentences) => {
    expect(findTableProblems(columns, key).map(renderExplanation)).toEqual(
      sentences.map(sentence => expect.stringMatching(sentence)),
    )
  })
})

describe.runIf(hasPostgres)('on Postgres', () => {
  test.override('backend', 'postgres')

  test.for([
    ['bigint'],
    ['uuid'],
    ['integer', 'bigint'],
    ['smallint', 'interval', 'boolean'],
    ['date', 'time with time zone'],
    ['boolean', 'timestamp with time zone', 'real'],
  ] as const)(
    '%s …: a row that Postgres has no room for is known before, and no other',
    async ([...types], { isTaken }) => {
      const most = (count: number) => Array.from({ length: count }, (_, n) => types[n % types.length] ?? '')
      const isRefused = (count: number) =>
        findRowRisk(most(count).map((type, n) => ({ name: `c${n}`, type, nullable: false }))) !== undefined
      let count = 100
      while (!isRefused(count + 1) && count < 1590) count += 1
      expect(await isTaken(most(count))).toBe(true)
      if (isRefused(count + 1)) expect(await isTaken(most(count + 1))).toBe(false)
    },
  )

  test('1,595 columns are mirrored', async ({ sandbox, app, account }) => {
    const names = Array.from({ length: 1592 }, (_, n) => `c${n}`)
    const columns = `id int primary key, ${names.map(name => `${name} int`)}, updated_at timestamptz not null default now(), note text`
    const table = await sandbox.createTable({ columns })
    await app.hasura.sql(`insert into ${table.name} (id, c0, c1591) values (1, 5, 6), (2, null, 7)`)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`update ${table.name} set c1590 = 8, updated_at = now() where id = 1`)
    expect(await runPull(app, table.pull(), account)).toMatchObject({ counts: { updated: 1 } })
    await expectMirrored(app, table, account)
  })

  test.for([
    ['that may find no room', 1000, '', 'warn', /sync-\w+: a row with a value in each.*8160/, /fewer columns/],
    ['that never find room', 1010, ' not null', 'fail', /a row takes at least \d+ bytes/, /./],
    ['of too many columns', 1599, '', 'fail', /1599 columns are selected.*1595/, /./],
  ] as const)(
    'rows %s are told by doctor',
    async ([_what, count, constraint, status, detail, hint], { sandbox, app, account }) => {
      const names = Array.from({ length: count - 2 }, (_, n) => `c${n}`)
      const table = await sandbox.createTable({
        isView: count > 1597,
        columns:
          count > 1597
            ? `select 1 as id, now() as updated_at, ${names.map(name => `1::bigint as ${name}`)}`
            : `id int primary key, updated_at timestamptz not null, ${names.map(name => `${name} bigint${constraint}`)}`,
      })
      const access = app.deps.accounts.get(account) ?? expect.fail('it was added')
      const { signal } = new AbortController()
      const client = (role: string) => access.hasura(app.hasura.url, role)
      const found = await inspectContract(sandbox.schemaFolder, [table.pull()], ['viewer'], client, signal)
      expect(found).toMatchObject({
        status,
        detail: expect.stringMatching(detail),
        hint: expect.stringMatching(hint),
      })
    },
  )

  test('a row that is too wide ends the run with the limit', async ({ sandbox, app, account }) => {
    const names = Array.from({ length: 1000 }, (_, n) => `c${n}`)
    const columns = `id int primary key, ${names.map(name => `${name} bigint`)}, updated_at timestamptz not null default now()`
    const table = await sandbox.createTable({ columns })
    await app.hasura.sql(`insert into ${table.name} values (1, ${names.map(() => 1)})`)
    await expect(runPull(app, table.pull(), account)).rejects.toMatchObject({
      name: 'PermanentError',
      code: 'mirror-row',
      found: expect.stringMatching(new RegExp(`mirror\\.${table.name}.*8,160 bytes.*54000`)),
      remedy: expect.stringContaining('fewer columns'),
    })
  })

  test('a key that is too long for an index ends the run with its column and the limit', async ({
    sandbox,
    app,
    account,
  }) => {
    const table = await sandbox.createTable({
      isView: true,
      columns: `select string_agg(md5(n::text), '' order by n) || 'canary' as id, timestamptz '2026-01-01' as updated_at from generate_series(1, 90) n`,
    })
    const failure: unknown = await runPull(app, table.pull(), account).catch((error: unknown) => error)
    expect(failure).toMatchObject({
      code: 'mirror-row',
      found: expect.stringMatching(/"id".*2,704 bytes/),
      remedy: expect.stringContaining('where'),
    })
    expect(String(failure)).not.toContain('canary')
  })

  test.for([
    ['size', { size: 'canary' }, /A value doesn't fit column "size".*integer.*22P02/],
    ['size', { size: Number.NaN }, /A value doesn't fit column "size".*integer.*22P02/],
    ['day', { day: new Date('canary') }, /column "day".*date/],
    ['size', { size: 1e12 }, /A number is too large for column "size".*integer.*22003/],
    ['doc', { doc: JSON.rawJSON('1e200000') }, /column "doc".*jsonb.*22003/],
    ['day', { day: '2026-13-40' }, /column "day".*date.*22008/],
  ] as const)(
    'a value that column "%s" can’t hold ends the run with it',
    async ([_column, changes, sentence], { sandbox, app, account }) => {
      const transform = (row: Record<string, string>): Record<string, string> => Object.assign(row, changes)
      const table = await createNumberedTable(sandbox, 3, ', size int, doc jsonb, day date')
      const failure: unknown = await runPull(app, table.pull({ transform }), account).catch((error: unknown) => error)
      expect(failure).toMatchObject({
        name: 'PermanentError',
        code: 'mirror-row',
        found: expect.stringMatching(sentence),
        remedy: expect.stringMatching(
          /^if its type has changed in the API, run "npm run -s cli -- schema pull"; otherwise /,
        ),
      })
      expect(String(failure)).not.toContain('canary')
    },
  )

  const words = (count: number) => `(select string_agg(md5(n::text), ' ') from generate_series(1, ${count}) n)`
  const ofSomebody = /an index, a generated column or a trigger of mirror\.\w+, which this worker didn't create/
  test.for([
    ["using gin (to_tsvector('english', title))", words(40_000), ofSomebody],
    ['((title::int))', "'canary'", ofSomebody],
    ['((1 / length(title)))', "''", ofSomebody],
    [
      '(title)',
      words(600),
      /the key \("id"\) of mirror\.\w+, or of an index that this worker didn't create, is too long/,
    ],
  ] as const)(
    'a row that only an index of somebody (%s) refuses ends the run with that',
    async ([index, title, found], { app, sandbox, account }) => {
      const table = await createNumberedTable(sandbox, 0)
      await runPull(app, table.pull(), account)
      await sql.raw(`create index on mirror.${table.name} ${index}`).execute(app.deps.store)
      await app.hasura.sql(`insert into ${table.name} (id, title) values (1, ${title})`)
      const failure: unknown = await runPull(app, table.pull(), account).catch((error: unknown) => error)
      expect(failure).toMatchObject({
        code: 'mirror-row',
        found: expect.stringMatching(found),
        remedy: expect.stringContaining('drop '),
      })
      expect(String(failure)).not.toContain('canary')
    },
  )

  test.for([
    ['alter column note set not null', /Column "note" of mirror\.\S+ is not null/, /drop not null/],
    ['add constraint odd check (size > 2)', /check "odd".*didn't create/, /drop it/],
    ['add constraint sole unique (title)', /unique index "sole"/, /drop it/],
    ['add constraint far foreign key (size) references worker.accounts_numbers (n)', /foreign key "far"/, /drop it/],
  ] as const)(
    'what somebody did to a mirror table (%s) holds the job with what to do',
    async ([change, found, remedy], { app, sandbox, account }) => {
      await sql`create table if not exists worker.accounts_numbers (n int primary key)`.execute(app.deps.store)
      const table = await createNumberedTable(sandbox, 0, ', size int, note text')
      await runPull(app, table.pull(), account)
      await sql.raw(`alter table mirror.${table.name} ${change}`).execute(app.deps.store)
      await app.hasura.sql(`insert into ${table.name} (id, title, size) values (1, 'one', 1), (2, 'one', 1)`)
      await expect(runPull(app, table.pull(), account)).rejects.toMatchObject({
        name: 'RefusalError',
        code: 'mirror-table',
        found: expect.stringMatching(found),
        remedy: expect.stringMatching(remedy),
      })
    },
  )

  test('a trigger of somebody that refuses a deletion ends the run with that', async ({ app, sandbox, account }) => {
    const table = await createNumberedTable(sandbox, 2)
    await runPull(app, table.pull(), account)
    const refuse = `mirror.refuse_${table.name}`
    const run = (statement: string) => sql.raw(statement).execute(app.deps.store)
    await run(
      `create function ${refuse}() returns trigger language plpgsql as $$ begin raise exception 'canary'; end $$`,
    )
    await run(`create trigger refuse before update on mirror.${table.name} for each row execute function ${refuse}()`)
    await app.hasura.sql(`delete from ${table.name} where id = 1`)
    const deleting = runPull(app, table.pull(), account, { payload: { keys: [['1']] } })
    const failure: unknown = await deleting.catch((error: unknown) => error)
    expect(failure).toMatchObject({ code: 'mirror-row', found: expect.stringContaining('A trigger on mirror.') })
    expect(String(failure)).not.toContain('canary')
  })

  test('columns that were dropped count as well', async ({ sandbox, app, account }) => {
    const table = await createNumberedTable(sandbox, 1)
    await runPull(app, table.pull({ columns: ['id', 'updated_at'] }), account)
    const many = Array.from({ length: 1593 }, (_, n) => n)
    const change = (what: string[]) => sql.raw(`alter table mirror.${table.name} ${what}`).execute(app.deps.store)
    await change(many.map(n => `add column x${n} int`))
    await change(many.map(n => `drop column x${n}`))
    await expect(runPull(app, table.pull(), account)).rejects.toMatchObject({
      code: 'mirror-table',
      found: expect.stringContaining('1600'),
      remedy: expect.stringContaining('reset'),
    })
  })
})
