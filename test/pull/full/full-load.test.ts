import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import type { Progress } from '../../../src/definitions/define-job.ts'
import type { PullJob } from '../../../src/pull/pull-sync.ts'
import { stores } from '../../fixtures/open-test-app.ts'
import { runPull } from '../../fixtures/run-pull.ts'
import { expectMirrored, type SourceTable } from '../../fixtures/source-table.ts'
import { tableTest } from '../../fixtures/table-test.ts'
import { until } from '../../fixtures/until.ts'
import { alterSelectPermission } from '../../sandbox/hasura/change-metadata.ts'

const columns = 'id int primary key, title text, updated_at timestamptz not null default now()'

const test = tableTest
  .extend('createTable', ({ sandbox, app }) => async (rows: number, canCount: boolean): Promise<SourceTable> => {
    const table = await sandbox.createTable({ columns })
    await table.change(alterSelectPermission(table.name, 'viewer', { allow_aggregations: canCount }))
    await app.hasura.sql(`insert into ${table.name}
      select n, 'row ' || n, timestamptz '2026-01-01' + n * interval '1 minute' from generate_series(1, ${rows}) n`)
    return table
  })
  .extend(
    'asked',
    ({ app }) =>
      (table: SourceTable, suffix = '') =>
        app.hasura.requests.filter(({ operationName }) => operationName === `Pull_${table.name}${suffix}`),
  )
  .extend(
    'rangesOf',
    ({ app }) =>
      (table: SourceTable) =>
        app.deps.store
          .selectFrom('worker.full_reads as f')
          .innerJoin('worker.full_read_ranges as r', 'r.read_id', 'f.id')
          .select(['r.behind', 'r.up_to', 'r.position', 'r.done', 'r.rows'])
          .where('f.job', '=', table.pull().name)
          .orderBy('r.range')
          .execute(),
  )
  .extend('breakOff', ({ app, account }) => async (table: SourceTable, job: PullJob<string>): Promise<void> => {
    app.hasura.fault(
      { operationName: `Pull_${table.name}`, after: 3, times: 1 },
      { kind: 'graphql-error', code: 'validation-failed', message: 'no' },
    )
    await expect(runPull(app, job, account)).rejects.toThrow('validation-failed')
  })

describe.each(stores)('a full load into %s', backend => {
  test.override('backend', backend)

  const endOf = (variables: unknown) => Number(/"_lte":"?(\d+)/.exec(JSON.stringify(variables))?.[1])

  test.for([true, false])(
    'goes through four ranges of the key at once, whether the role may count (%s) or not',
    async (canCount, { createTable, app, account, asked }) => {
      const table = await createTable(500, canCount)
      const seen: Progress[] = []
      const allHaveBegun = until(() => asked(table).length >= 4)
      app.hasura.fault({ operationName: `Pull_${table.name}`, times: 4 }, { kind: 'wait', until: allHaveBegun })
      const job = table.pull({ pageSize: 10, ranges: 4 })
      const onProgress = (progress: Progress) => void seen.push(progress)
      expect(await runPull(app, job, account, { onProgress })).toMatchObject({ counts: { inserted: 500, read: 500 } })
      await expectMirrored(app, table, account)
      expect(asked(table, 'Count')).toHaveLength(canCount ? 1 : 0)
      expect(seen.at(-1)).toMatchObject(canCount ? { done: 500, total: 500 } : { done: 500 })
      const ends = asked(table)
        .slice(0, 4)
        .map(({ variables }) => endOf(variables))
      expect(new Set(ends)).toEqual(new Set([100, 200, 300, 400]))
      expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 0, updated: 0, deleted: 0 } })
    },
  )

  test('finds ranges again after a query that failed, and after missing numbers', async ({
    createTable,
    app,
    account,
    rangesOf,
  }) => {
    const table = await createTable(500, false)
    const job = table.pull({ pageSize: 10, ranges: 4 })
    app.hasura.fault(
      { operationName: `Pull_${table.name}KeyAt`, times: 1 },
      { kind: 'graphql-error', code: 'unexpected', message: 'no' },
    )
    const fail = app.hasura.fault(
      { operationName: `Pull_${table.name}`, after: 12 },
      { kind: 'graphql-error', code: 'validation-failed', message: 'no' },
    )
    await expect(runPull(app, job, account)).rejects.toThrow('validation-failed')
    fail()
    const reached = await rangesOf(table)
    expect(reached.length).toBeGreaterThan(1)
    const read = reached.reduce((sum, { rows }) => sum + Number(rows), 0)
    // As if others had been begun that were never written down.
    await sql`update worker.full_read_ranges set range = range + 7 where up_to is null
      and read_id in (select id from worker.full_reads where job = ${job.name})`.execute(app.deps.store)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 500 - read, read: 500 - read } })
    await expectMirrored(app, table, account)
  })

  test('ends for all who read at about the same time, though nobody knows how many rows there are', async ({
    createTable,
    app,
    account,
    asked,
  }) => {
    const table = await createTable(95, false)
    const isOfOther = ({ variables }: { variables: unknown }) => JSON.stringify(variables).includes('"_gt"')
    const halved = until(() => asked(table).some(isOfOther))
    app.hasura.fault({ operationName: `Pull_${table.name}`, times: 1 }, { kind: 'wait', until: halved })
    const counts = { inserted: 95, read: 95 }
    expect(await runPull(app, table.pull({ pageSize: 10, ranges: 4 }), account)).toMatchObject({ counts })
    await expectMirrored(app, table, account)
    // What the first reads to its end is what others have left to it.
    const ends = asked(table).map(({ variables }) => endOf(variables))
    expect(Math.min(...ends.filter(end => !Number.isNaN(end)))).toBe(50)
  })

  test('asks no more of a small table than there is to know', async ({ createTable, app, account, asked }) => {
    const table = await createTable(15, true)
    await runPull(app, table.pull({ pageSize: 10 }), account)
    expect(asked(table, 'KeyAt')).toHaveLength(0)
    await expectMirrored(app, table, account)
  })

  test('that was interrupted resumes in each of its ranges', async ({ createTable, app, account, rangesOf }) => {
    const table = await createTable(200, true)
    const job = table.pull({ pageSize: 10, ranges: 4 })
    app.hasura.fault(
      { operationName: `Pull_${table.name}`, after: 12, times: 1 },
      { kind: 'graphql-error', code: 'validation-failed', message: 'no' },
    )
    await expect(runPull(app, job, account)).rejects.toThrow('validation-failed')
    const reached = await rangesOf(table)
    const read = reached.reduce((sum, { rows }) => sum + Number(rows), 0)
    expect(read).toBeGreaterThan(0)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 200 - read, unchanged: 0 } })
    await expectMirrored(app, table, account)
    expect(await rangesOf(table)).toEqual([])
  })

  test('that has taken days resumes too, if scans find what has changed since', async ({
    createTable,
    breakOff,
    app,
    account,
  }) => {
    const table = await createTable(60, true)
    const interrupted = async (job: PullJob<string>) => {
      await breakOff(table, job)
      await sql`update worker.full_reads set created_at = created_at - interval '3 days' where job = ${job.name}`.execute(
        app.deps.store,
      )
    }
    const job = table.pull({ pageSize: 10, ranges: 1 })
    await interrupted(job)
    await app.hasura.sql(`update ${table.name} set title = 'changed', updated_at = now() where id = 1`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 30, updated: 1, read: 31 } })
    await expectMirrored(app, table, account)

    const withoutCursor = table.pull({
      name: `${job.name}-all`,
      into: `${table.name}_all`,
      pageSize: 10,
      ranges: 1,
      cursor: undefined,
    })
    await interrupted(withoutCursor)
    expect(await runPull(app, withoutCursor, account)).toMatchObject({ counts: { read: 60 } })
  })

  test('that another request has left unfinished is resumed by a sweep, which also finds a change with an equal cursor', async ({
    createTable,
    breakOff,
    app,
    account,
  }) => {
    const table = await createTable(60, true)
    await app.hasura.sql(`update ${table.name} set updated_at = now()`)
    const job = table.pull({ pageSize: 10, ranges: 1 })
    await breakOff(table, job)
    await app.hasura.sql(`update ${table.name} set title = 'changed' where id = 1`)
    expect(await runPull(app, job, account, { payload: { sweep: true } })).toMatchObject({
      counts: { inserted: 30, updated: 1 },
    })
  })

  test('that another request has left unfinished is resumed, and what has changed since is read', async ({
    createTable,
    breakOff,
    app,
    account,
  }) => {
    const table = await createTable(60, true)
    for (const cursor of ['updated_at', undefined]) {
      const into = `${table.name}_by_${cursor}`
      const job = table.pull({ name: `pull-${into}`, into, cursor, pageSize: 10, ranges: 1 })
      await breakOff(table, job)
      await app.hasura.sql(`update ${table.name} set title = 'changed', updated_at = now() where id = 1`)
      expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 30, updated: 1 } })
    }
  })

  test.for([{ sweep: true }, { allowDeletions: true }])(
    'that another request has left unfinished is resumed for %o, and then everything is compared',
    async (payload, { createTable, breakOff, app, account }) => {
      const table = await createTable(60, true)
      const job = table.pull({ pageSize: 10, ranges: 1 })
      await breakOff(table, job)
      await app.hasura.sql(`delete from ${table.name} where id = 1`)
      expect(await runPull(app, job, account, { payload })).toMatchObject({
        counts: { inserted: 30, unchanged: 0, read: 30, deleted: 1 },
      })
      await expectMirrored(app, table, account)
    },
  )

  test('that another request has left unfinished is read from its start for `full`, which finds what no cursor shows', async ({
    createTable,
    breakOff,
    app,
    account,
  }) => {
    const table = await createTable(60, true)
    const job = table.pull({ pageSize: 10, ranges: 1 })
    await breakOff(table, job)
    await app.hasura.sql(`update ${table.name} set title = 'without its cursor' where id = 1`)
    expect(await runPull(app, job, account, { payload: { full: true } })).toMatchObject({
      counts: { inserted: 30, updated: 1, unchanged: 29, read: 60 },
    })
    await expectMirrored(app, table, account)
  })

  test('meets rows that another job has written into the same table meanwhile', async ({
    createTable,
    breakOff,
    app,
    account,
  }) => {
    const table = await createTable(50, true)
    const job = table.pull({ pageSize: 10, ranges: 1 })
    await breakOff(table, job)
    await app.hasura.sql(`update ${table.name} set title = 'later' where id = 50`)
    const other = table.pull({ name: `${job.name}-too`, into: table.name })
    expect(await runPull(app, other, account)).toMatchObject({ counts: { inserted: 20, unchanged: 30 } })
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 0, updated: 0, unchanged: 20 } })
    await expectMirrored(app, table, account)
  })

  test('finds a row that its transform leaves out, though another run has written it since it broke off', async ({
    createTable,
    breakOff,
    app,
    account,
  }) => {
    const table = await createTable(50, true)
    const options = { pageSize: 10, ranges: 1 }
    await breakOff(table, table.pull(options))
    const payload = { backfill: { from: '2026-01-01T00:50:00Z' } }
    expect(await runPull(app, table.pull(options), account, { payload })).toMatchObject({ counts: { inserted: 1 } })
    const without = table.pull({ ...options, transform: row => (row.title === 'row 50' ? undefined : row) })
    expect(await runPull(app, without, account)).toMatchObject({ counts: { inserted: 19, deleted: 1 } })
  })

  test('starts again when the job was changed while it was interrupted', async ({
    createTable,
    breakOff,
    app,
    account,
  }) => {
    const table = await createTable(100, true)
    await breakOff(table, table.pull({ pageSize: 10, ranges: 1 }))
    const other = table.pull({ pageSize: 10, ranges: 1, columns: ['id', 'updated_at'] })
    expect(await runPull(app, other, account)).toMatchObject({ counts: { read: 100 } })
  })

  test('of what is there already finds what was changed, deleted and added without a cursor’s word', async ({
    createTable,
    app,
    account,
  }) => {
    const table = await createTable(120, true)
    const job = table.pull({ pageSize: 10 })
    await runPull(app, job, account)
    await app.hasura.sql(`update ${table.name} set title = 'silently' where id in (5, 117)`)
    await app.hasura.sql(`delete from ${table.name} where id in (1, 60)`)
    await app.hasura.sql(`insert into ${table.name} values (1000, 'late', '2000-01-01')`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { updated: 0, deleted: 0, inserted: 0 } })
    expect(await runPull(app, job, account, { payload: { full: true } })).toMatchObject({
      counts: { updated: 2, deleted: 2, inserted: 1, unchanged: 116 },
    })
    await expectMirrored(app, table, account)
  })

  test('doesn’t move the checkpoint back, nor beyond what came while it read', async ({ sandbox, app, account }) => {
    const table = await sandbox.createTable({
      columns: 'id int primary key, title text, version bigint not null',
      cursor: 'version',
    })
    await app.hasura.sql(`insert into ${table.name} select n, 'row', n from generate_series(1, 100) n`)
    const job = table.pull({ pageSize: 10, ranges: 1 })
    let changed: Promise<unknown> | undefined
    await runPull(app, job, account, {
      onProgress() {
        // Behind the page that is being read, with a number above all that were there at the beginning.
        changed ??= app.hasura
          .sql(`update ${table.name} set title = 'changed', version = 101 where id = 1`)
          .then(() => app.hasura.sql(`insert into ${table.name} values (101, 'new', 102)`))
      },
    })
    await changed
    await runPull(app, job, account)
    await expectMirrored(app, table, account)
    const high = async () =>
      (await app.deps.store.selectFrom('worker.checkpoints').select('high').where('job', '=', job.name).execute())[0]
    expect(await high()).toEqual({ high: '102' })
    await app.hasura.sql(`delete from ${table.name} where version > 90`)
    await runPull(app, job, account, { payload: { full: true } })
    expect(await high()).toEqual({ high: '102' })
  })

  test('is asked for by a payload as well, and a backfill reads between two cursors and leaves the checkpoint', async ({
    createTable,
    app,
    account,
  }) => {
    const table = await createTable(30, true)
    await app.hasura.sql(`update ${table.name} set updated_at = timestamptz '2026-01-01' + id * interval '1 day'`)
    const job = table.pull({ pageSize: 10 })
    await runPull(app, job, account)
    const checkpoint = () =>
      app.deps.store
        .selectFrom('worker.checkpoints')
        .select(['high', 'position', 'scanned_at'])
        .where('job', '=', job.name)
        .execute()
    const before = await checkpoint()
    await app.hasura.sql(`update ${table.name} set title = 'silently'`)
    const between = { from: '2026-01-11T00:00:00+00:00', to: '2026-01-21T00:00:00+00:00' }
    expect(await runPull(app, job, account, { payload: { backfill: between } })).toMatchObject({
      ...between,
      counts: { read: 10, updated: 10 },
    })
    const nothing = { from: '2030-01-01', to: '2031-01-01' }
    expect(await runPull(app, job, account, { payload: { backfill: nothing } })).toMatchObject({
      ...nothing,
      counts: { read: 0 },
    })
    expect(await checkpoint()).toEqual(before)
    expect(await runPull(app, job, account, { payload: { full: true } })).toMatchObject({ counts: { updated: 20 } })
    await expectMirrored(app, table, account)
  })

  test('a backfill whose bounds leave nothing to read, or are none, is refused', async ({
    createTable,
    app,
    account,
  }) => {
    const table = await createTable(1, true)
    const run = (backfill: { from?: string; to?: string }) =>
      runPull(app, table.pull(), account, { payload: { backfill } })
    for (const backfill of [
      { from: '2026-02-01', to: '2026-01-01' },
      { from: '2026-01-01T12:00:00+02:00', to: '2026-01-01T10:00:00Z' },
    ]) {
      await expect(run(backfill)).rejects.toMatchObject({
        code: 'usage',
        found: `The backfill starts at ${backfill.from} and ends before ${backfill.to}, so it would read nothing`,
      })
    }
    await expect(run({ to: 'the day before' })).rejects.toMatchObject({
      code: 'usage',
      found: expect.stringContaining('can\'t be read as timestamp with time zone, which the cursor "updated_at" is'),
    })
  })

  test('a run that finds nothing reports no end, and so none that is before its beginning', async ({
    createTable,
    app,
    account,
  }) => {
    const table = await createTable(3, true)
    await runPull(app, table.pull(), account)
    const result = await runPull(app, table.pull(), account)
    expect(result).toMatchObject({ from: expect.any(String), to: undefined, counts: { read: 0 } })
    await app.hasura.sql(`update ${table.name} set updated_at = now() where id = 1`)
    const { from, to } = Object(await runPull(app, table.pull(), account))
    expect(Date.parse(from)).toBeLessThanOrEqual(Date.parse(to))
  })

  test('fills a mirror table again that somebody dropped, for every account', async ({ createTable, app, account }) => {
    const table = await createTable(25, true)
    const job = table.pull({ pageSize: 10 })
    const other = app.addAccount()
    for (const name of [account, other]) await runPull(app, job, name)
    await sql`drop table ${sql.table(`mirror.${table.name}`)}`.execute(app.deps.store)
    for (const name of [account, other]) {
      expect(await runPull(app, job, name)).toMatchObject({ counts: { inserted: 25 } })
      await expectMirrored(app, table, name)
    }
  })

  test('that finds no change costs three requests at most, and one statement to save it', async ({
    createTable,
    app,
    account,
  }) => {
    const table = await createTable(5, true)
    await app.hasura.sql(`update ${table.name} set updated_at = now()`)
    const job = table.pull({ pageSize: 10 })
    await runPull(app, job, account)
    const requests = app.hasura.requests.length
    let transactions = 0
    const count: typeof job.run = (session, context) =>
      job.run(session, {
        ...context,
        transaction: work => {
          transactions += 1
          return context.transaction(work)
        },
        statement: build => {
          transactions += 1
          return context.statement(build)
        },
      })
    expect(await runPull(app, { ...job, run: count }, account)).toMatchObject({ counts: { unchanged: 5 } })
    expect(app.hasura.requests.length - requests).toBeLessThanOrEqual(3)
    expect(transactions).toBe(1)
  })
})
