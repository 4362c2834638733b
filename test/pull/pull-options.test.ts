import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { stores } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored, type SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'

const test = tableTest
  .extend('createTable', ({ sandbox, app }) => async (rows: number, more = ''): Promise<SourceTable> => {
    const table = await sandbox.createTable({
      columns: `id int primary key, title text, updated_at timestamptz not null default now()${more}`,
    })
    await app.hasura.sql(`insert into ${table.name} select n, 'row ' || n from generate_series(1, ${rows}) n`)
    return table
  })
  .extend('mirrorOf', ({ account, app }) => async (table: SourceTable, columns: string, of = account) => {
    const { rows } = await sql<Record<string, unknown>>`
      select ${sql.raw(columns)} from ${sql.table(`mirror.${table.name}`)} where _account = ${of} order by id`.execute(
      app.deps.store,
    )
    return rows
  })
  .extend('state', ({ app }) => async (table: SourceTable) => {
    const job = table.pull().name
    const { rows } = await sql`select
      (select jsonb_agg(to_jsonb(c) - 'updated_at') from worker.checkpoints c where job = ${job}) as checkpoints,
      (select count(*) from worker.full_reads where job = ${job}) as reads,
      (select count(*) from worker.staged_keys) as staged,
      to_regclass(${`mirror.${table.name}`})::text as mirror`.execute(app.deps.store)
    return rows[0]
  })

describe.each(stores)('the options of a pull, on %s', backend => {
  test.override('backend', backend)

  test('where: every account has its own rows, and an unfinished read with another filter is not resumed', async ({
    createTable,
    app,
    account,
  }) => {
    const table = await createTable(10)
    const other = app.addAccount()
    const limits = new Map([
      [account, 4],
      [other, 7],
    ])
    const where = ({ name }: { readonly name: string }) => ({ id: { _lte: limits.get(name) } })
    const job = table.pull({ where, pageSize: 2 })
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 4 } })
    expect(await runPull(app, job, other)).toMatchObject({ counts: { inserted: 7 } })
    expect(await runPull(app, job, other, { payload: { sweep: true } })).toMatchObject({ counts: { deleted: 0 } })
    await app.hasura.sql(`insert into ${table.name} values (3000, 'not theirs'), (0, 'theirs')`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 1 } })
    limits.set(account, 9)
    await expect(runPull(app, job, account)).rejects.toMatchObject({
      code: 'fingerprint',
      found: expect.stringMatching(/ was made with another filter$/),
      remedy: expect.stringMatching(/ with the new one; it must be the same in every run, so let a view select /),
    })
    await expectMirrored(app, table, other, { where: 'id between 1 and 7' })
    // Hasura would take it for a condition that every row meets.
    limits.delete(other)
    await expect(runPull(app, job, other)).rejects.toMatchObject({
      code: 'where',
      message: expect.stringContaining('has no value at "id._lte"'),
    })
  })

  test.for<[what: string, gives: unknown, found: string]>([
    ['nothing', undefined, 'gave nothing'],
    ['a Promise of a filter', Promise.resolve({ id: { _lte: 4 } }), 'gave [object Promise]'],
    ['null in the place of a value', { id: { _lte: null } }, 'has null at "_lte"'],
  ])(
    'where: %s is refused by runs and subscriptions, and nothing is mirrored',
    async ([, gives, found], { createTable, sandbox, app, account, state }) => {
      const table = await createTable(5)
      const job = table.pull({ where: () => gives, live: true })
      const before = await state(table)
      const refusal = { code: 'where', found: expect.stringContaining(`The "where" of ${job.name} ${found}`) }
      await expect(runPull(app, job, account)).rejects.toMatchObject(refusal)
      await expect(job.doorbell?.listen(sandbox.schemaFolder, { name: account })).rejects.toMatchObject(refusal)
      expect(await state(table)).toEqual(before)
    },
  )

  test.for([Number.NaN, Number.POSITIVE_INFINITY])(
    'where: %s, of which JSON makes null, is refused',
    async (value, { createTable, app, account }) => {
      const table = await createTable(1)
      const job = table.pull({ where: { _or: [{ id: { _gt: value } }] } })
      await expect(runPull(app, job, account)).rejects.toMatchObject({
        code: 'where',
        found: expect.stringContaining(`the number ${value} at "_or.0.id._gt"`),
        remedy: `write it as text, "${value}"`,
      })
    },
  )

  test('transform: changes or leaves out rows and loses no digit, and may not touch the key', async ({
    createTable,
    app,
    account,
    mirrorOf,
  }) => {
    const table = await createTable(3, ', price numeric, big bigint, data jsonb')
    await app.hasura.sql(
      `update ${table.name} set price = 1.50, big = 9007199254740993, data = '{"n": 9007199254740993.10}'`,
    )
    const transform = (row: Record<string, string>) => {
      if (row.title === 'row 2') return undefined
      // As text, where a number of JavaScript's would have lost something.
      expect(row).toMatchObject({ big: '9007199254740993', price: '1.50' })
      return { ...row, title: 'redacted' }
    }
    expect(await runPull(app, table.pull({ transform }), account)).toMatchObject({
      counts: { read: 3, inserted: 2, unchanged: 0 },
    })
    expect(await mirrorOf(table, 'id, title, price::text, big::text, data::text')).toEqual(
      [1, 3].map(id => ({
        id,
        title: 'redacted',
        price: '1.50',
        big: '9007199254740993',
        data: '{"n": 9007199254740993.10}',
      })),
    )
    const moving = table.pull({ transform: row => ({ ...row, id: '7' }) })
    await expect(runPull(app, moving, account, { payload: { full: true } })).rejects.toThrow(
      'The transform changed "id"',
    )
  })

  test('evolution: a column that is gained is filled, one that is lost is null by a full run, and `hold` waits', async ({
    createTable,
    app,
    account,
    mirrorOf,
  }) => {
    const table = await createTable(30, ', size int default 5')
    const job = (...columns: string[]) => table.pull({ columns: ['id', 'updated_at', ...columns], pageSize: 10 })
    await runPull(app, job('title'), account)
    expect(await runPull(app, job('title', 'size'), account)).toMatchObject({ counts: { updated: 30, inserted: 0 } })
    expect((await mirrorOf(table, 'title, size'))[29]).toEqual({ title: 'row 30', size: 5 })
    expect(await runPull(app, job('size'), account)).toMatchObject({ counts: { updated: 0 } })
    expect((await mirrorOf(table, 'title, size'))[0]).toEqual({ title: 'row 1', size: 5 })
    expect(await runPull(app, job('size'), account, { payload: { full: true } })).toMatchObject({
      counts: { updated: 30 },
    })
    expect((await mirrorOf(table, 'title, size'))[0]).toEqual({ title: null, size: 5 })
    expect(await runPull(app, job('size'), account)).toMatchObject({ counts: { updated: 0 } })

    const held = table.pull({ columns: ['id', 'updated_at', 'title'], evolution: 'hold' })
    await expect(runPull(app, held, account)).rejects.toMatchObject({ code: 'fingerprint', scope: 'job' })
  })

  test('a column of another type is refused with what to do', async ({ createTable, app, account }) => {
    const table = await createTable(2, ', size int default 5')
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`alter table ${table.name} alter column size type text`)
    await table.change()
    await expect(runPull(app, table.pull(), account)).rejects.toMatchObject({
      code: 'mirror-table',
      message: expect.stringMatching(/^Column "size" of mirror\.\w+ is integer, but the API now has text: either/),
    })
    await sql`drop table ${sql.table(`mirror.${table.name}`)}`.execute(app.deps.store)
    expect(await runPull(app, table.pull(), account)).toMatchObject({ counts: { inserted: 2 } })
  })

  test('a cursor of another type: who follows the advice and alters the column gets all rows', async ({
    sandbox,
    app,
    account,
  }) => {
    const table = await sandbox.createTable({ columns: 'id int primary key, c int not null', cursor: 'c' })
    await app.hasura.sql(`insert into ${table.name} values (1, 1764300000), (2, 1764300001)`)
    await runPull(app, table.pull(), account)
    const toInstant = (name: string) => `alter table ${name} alter column c type timestamptz using to_timestamp(c)`
    await app.hasura.sql(toInstant(table.name))
    await table.change()
    const job = table.pull()
    await expect(runPull(app, job, account)).rejects.toMatchObject({
      code: 'mirror-table',
      remedy:
        'either alter the column to timestamp with time zone, drop the table or choose another "into" for the job, and then run "npm run -s cli -- reset JOB" to fill it again',
    })
    await sql.raw(toInstant(`mirror.${table.name}`)).execute(app.deps.store)
    app.addJob(job)
    await app.operations.reset({ job: job.name, account })
    await app.hasura.sql(`insert into ${table.name} values (3, now())`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 3, inserted: 1 } })
    await expectMirrored(app, table, account)
  })

  test('another key: who follows the advice and drops the table gets all rows', async ({
    createTable,
    app,
    account,
  }) => {
    const table = await createTable(2, ', area int not null default 1')
    await runPull(app, table.pull(), account)
    const job = table.pull({ key: ['area', 'id'] })
    await expect(runPull(app, job, account)).rejects.toMatchObject({
      code: 'fingerprint',
      remedy: expect.stringContaining(
        `, or drop mirror.${table.name} (or choose another "into") and run "npm run -s cli -- reset ${job.name} `,
      ),
    })
    app.addJob(job)
    await app.operations.reset({ job: job.name, account })
    await expect(runPull(app, job, account)).rejects.toMatchObject({
      code: 'mirror-table',
      found: expect.stringContaining(`mirror.${table.name} isn't "_account", "area", "id"`),
      remedy: expect.stringMatching(/^drop the table/),
    })
    await sql`drop table ${sql.table(`mirror.${table.name}`)}`.execute(app.deps.store)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 2 } })
    // The order of its columns doesn't matter to the table.
    const reordered = table.pull({ key: ['id', 'area'] })
    await expect(runPull(app, reordered, account)).rejects.toMatchObject({
      remedy: expect.stringMatching(/^change it back, or run /),
    })
    await app.operations.reset({ job: job.name, account })
    expect(await runPull(app, reordered, account)).toMatchObject({ counts: { unchanged: 2 } })
  })

  test('a table in mirror that is somebody else’s is not touched', async ({ createTable, app, account }) => {
    const table = await createTable(2)
    await sql`create table ${sql.table(`mirror.${table.name}`)} (id int)`.execute(app.deps.store)
    await expect(runPull(app, table.pull(), account)).rejects.toMatchObject({ code: 'mirror-table' })
  })

  test('a dry run tells what would change and changes nothing, before the first run and after it', async ({
    createTable,
    state,
    app,
    account,
    mirrorOf,
  }) => {
    const table = await createTable(25)
    const job = table.pull({ pageSize: 10 })
    const before = await state(table)
    expect(await runPull(app, job, account, { dryRun: true })).toMatchObject({ counts: { inserted: 25 } })
    expect(await state(table)).toEqual(before)

    await runPull(app, job, account)
    const after = await state(table)
    const rows = await mirrorOf(table, 'id, title, _change, _synced_at, _deleted_at')
    await app.hasura.sql(`update ${table.name} set title = 'changed', updated_at = now() where id <= 3`)
    await app.hasura.sql(`insert into ${table.name} values (100, 'new')`)
    await app.hasura.sql(`delete from ${table.name} where id = 25`)
    expect(await runPull(app, job, account, { dryRun: true })).toMatchObject({ counts: { updated: 3, inserted: 1 } })
    expect(await runPull(app, job, account, { dryRun: true, payload: { full: true } })).toMatchObject({
      counts: { updated: 3, inserted: 1, deleted: 1 },
    })
    expect(await runPull(app, job, account, { dryRun: true, payload: { sweep: true } })).toMatchObject({
      counts: { updated: 3, inserted: 1, deleted: 1 },
    })
    expect(await mirrorOf(table, 'id, title, _change, _synced_at, _deleted_at')).toEqual(rows)
    expect(await state(table)).toEqual(after)
    const { rows: runs } = await sql`select trigger from worker.runs where job = ${job.name} order by seq`.execute(
      app.deps.store,
    )
    expect(runs.map(run => Object(run).trigger)).toEqual(['dry-run', 'cli', 'dry-run', 'dry-run', 'dry-run'])
  })
})
