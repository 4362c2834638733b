import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { RefusalError } from '../../../src/errors.ts'
import { stores } from '../../fixtures/open-test-app.ts'
import { runPull } from '../../fixtures/run-pull.ts'
import { expectMirrored, type SourceTable } from '../../fixtures/source-table.ts'
import { tableTest } from '../../fixtures/table-test.ts'
import { setSelectPermission } from '../../sandbox/hasura/change-metadata.ts'

const test = tableTest
  .extend(
    'sweep',
    ({ app, account }) =>
      (table: SourceTable, changes: Parameters<SourceTable['pull']>[0] = {}, more: object = {}) =>
        runPull(app, table.pull({ pageSize: 20, ...changes }), account, { payload: { sweep: true }, ...more }),
  )
  .extend('deleted', ({ account, app }) => async (table: SourceTable) => {
    const { rows } = await sql<{ id: number }>`
      select id from ${sql.table(`mirror.${table.name}`)}
      where _account = ${account} and _deleted_at is not null order by id`.execute(app.deps.store)
    return rows.map(row => row.id)
  })
  .extend(
    'stateOf',
    ({ app }) =>
      (table: SourceTable) =>
        app.deps.store
          .selectFrom('worker.full_reads')
          .select(['purpose', 'phase'])
          .where('job', '=', table.pull().name)
          .execute(),
  )
  .extend(
    'tokenOf',
    ({ app }) =>
      async (name: string) =>
        (await app.deps.accounts.get(name)?.tokens.get()) ?? expect.fail('an account without tokens'),
  )

describe.each(stores)('a sweep on %s', backend => {
  test.override('backend', backend)

  test('keeps what was deleted and marks it, and revives what is there again', async ({
    create,
    app,
    account,
    sweep,
    deleted,
    stateOf,
  }) => {
    const table = await create(50)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`delete from ${table.name} where id in (3, 7, 50)`)
    expect(await sweep(table)).toMatchObject({ counts: { deleted: 3, revived: 0, inserted: 0, updated: 0 } })
    expect(await deleted(table)).toEqual([3, 7, 50])
    await expectMirrored(app, table, account)
    expect(await sweep(table)).toMatchObject({ counts: { deleted: 0, read: 0 } })

    await app.hasura.sql(`insert into ${table.name} (id, title, updated_at) values (7, 'row 7', '2026-01-01 00:07+00')`)
    expect(await sweep(table)).toMatchObject({ counts: { deleted: 0, revived: 1, inserted: 0 } })
    expect(await deleted(table)).toEqual([3, 50])
    await expectMirrored(app, table, account)
    expect(await stateOf(table)).toEqual([])
  })

  test('marks deletions, and its account can be forgotten, in a database that publishes all its tables', async ({
    create,
    app,
    account,
    sweep,
    deleted,
  }) => {
    const table = await create(50)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`delete from ${table.name} where id = 3`)
    await sql`create publication everything for all tables`.execute(app.deps.store)
    try {
      expect(await sweep(table)).toMatchObject({ counts: { deleted: 1 } })
      expect(await deleted(table)).toEqual([3])
      await app.operations.forget({ account, configured: true })
      expect(await deleted(table)).toEqual([])
    } finally {
      await sql`drop publication everything`.execute(app.deps.store)
    }
  })

  test('finds rows that became visible late and rows whose cursor went backwards', async ({
    create,
    app,
    account,
    sweep,
  }) => {
    const table = await create(40)
    await table.change(setSelectPermission(table.name, 'viewer', { columns: '*', filter: { id: { _lte: 30 } } }))
    await runPull(app, table.pull(), account)
    await table.change(setSelectPermission(table.name, 'viewer', { columns: '*', filter: {} }))
    await app.hasura.sql(`update ${table.name} set title = 'older', updated_at = '2020-01-01' where id = 5`)
    expect(await runPull(app, table.pull(), account)).toMatchObject({ counts: { inserted: 0, updated: 0 } })
    expect(await sweep(table)).toMatchObject({ counts: { inserted: 10, updated: 1, deleted: 0 } })
    await expectMirrored(app, table, account)
  })

  test('runs when it is due, and when the account’s claims have changed', async ({ create, app, account, tokenOf }) => {
    const table = await create(5)
    const job = table.pull({ sweep: { everySeconds: 3_600 } })
    await runPull(app, job, account)
    await app.hasura.sql(`delete from ${table.name} where id = 1`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { deleted: 0 } })
    await sql`update worker.checkpoints set swept_at = now() - interval '61 minutes' where job = ${job.name}`.execute(
      app.deps.store,
    )
    expect(await runPull(app, job, account)).toMatchObject({ counts: { deleted: 1 } })

    await app.hasura.sql(`delete from ${table.name} where id = 2`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { deleted: 0 } })
    app.idp.setRoles(account, ['viewer', 'editor'])
    app.deps.accounts.get(account)?.tokens.drop(await tokenOf(account))
    expect(await runPull(app, job, account)).toMatchObject({ counts: { deleted: 1 } })

    // When the store's clock was ahead.
    await sql`update worker.checkpoints set swept_at = now() + interval '55 days' where job = ${job.name}`.execute(
      app.deps.store,
    )
    await app.hasura.sql(`delete from ${table.name} where id = 4`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { deleted: 1 } })

    await app.hasura.sql(`delete from ${table.name} where id = 3`)
    await sql`update worker.checkpoints set swept_at = '2020-01-01' where job = ${job.name}`.execute(app.deps.store)
    expect(await runPull(app, table.pull({ sweep: false }), account)).toMatchObject({ counts: { deleted: 0 } })
  })

  test('takes many deletions for a lost permission and marks nothing, until they are allowed', async ({
    create,
    app,
    account,
    sweep,
    deleted,
    stateOf,
  }) => {
    const table = await create(40)
    await runPull(app, table.pull(), account)
    await table.change(setSelectPermission(table.name, 'viewer', { columns: '*', filter: { id: { _gt: 20 } } }))
    const refusal = await sweep(table).catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(RefusalError)
    expect(refusal).toMatchObject({
      code: 'deletion-guard',
      scope: 'job',
      message: expect.stringMatching(
        /^20 of the 40 rows .* "npm run -s cli -- run sync-\w+ --account .* --allow-deletions"/,
      ),
    })
    expect(await deleted(table)).toEqual([])
    expect(await stateOf(table)).toEqual([])
    // Given back, it goes on by itself.
    await table.change(setSelectPermission(table.name, 'viewer', { columns: '*', filter: {} }))
    expect(await sweep(table)).toMatchObject({ counts: { deleted: 0 } })
    await table.change(setSelectPermission(table.name, 'viewer', { columns: '*', filter: { id: { _gt: 20 } } }))
    expect(await sweep(table, {}, { payload: { allowDeletions: true } })).toMatchObject({ counts: { deleted: 20 } })
    await expectMirrored(app, table, account, { where: 'id > 20' })
  })

  test('has an absolute floor below which no share is too great', async ({ create, app, account, sweep }) => {
    const table = await create(8)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`delete from ${table.name}`)
    expect(await sweep(table)).toMatchObject({ counts: { deleted: 8 } })
    await app.hasura.sql(`insert into ${table.name} (id, title) select n, 'again' from generate_series(1, 8) n`)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`delete from ${table.name}`)
    await expect(sweep(table, { deletionGuard: { floor: 0 } })).rejects.toMatchObject({ code: 'deletion-guard' })
  })

  test('is not misled by a row limit below the number of keys that it asks for', async ({
    create,
    app,
    account,
    sweep,
  }) => {
    const table = await create(60)
    await runPull(app, table.pull(), account)
    await table.change(setSelectPermission(table.name, 'viewer', { columns: '*', filter: {}, limit: 3 }))
    await sql`update ${sql.table(`mirror.${table.name}`)} set updated_at = '1999-01-01' where id > 20`.execute(
      app.deps.store,
    )
    await app.hasura.sql(`delete from ${table.name} where id between 15 and 25`)
    expect(await sweep(table)).toMatchObject({ counts: { deleted: 11, updated: 35 } })
    await expectMirrored(app, table, account)
  })

  test('resumes after an interruption, both while reading keys and while settling differences', async ({
    create,
    app,
    account,
    stateOf,
  }) => {
    const table = await create(60)
    const job = table.pull({ pageSize: 10 })
    await runPull(app, job, account)
    await app.hasura.sql(`delete from ${table.name} where id <= 5`)
    await app.hasura.sql(`update ${table.name} set title = 'older', updated_at = '2020-01-01' where id > 50`)
    const fail = (operationName: string, after: number) =>
      app.hasura.fault(
        { operationName, after, times: 1 },
        { kind: 'graphql-error', code: 'validation-failed', message: 'no' },
      )
    fail(`Pull_${table.name}Keys`, 3)
    await expect(runPull(app, job, account, { payload: { sweep: true } })).rejects.toThrow('validation-failed')
    expect(await stateOf(table)).toEqual([{ purpose: 'sweep', phase: 'reading' }])
    const keysAsked = () => app.hasura.requests.filter(({ operationName }) => operationName?.endsWith('Keys')).length
    const before = keysAsked()
    app.hasura.clearFaults()
    fail(`Pull_${table.name}`, 1)
    await expect(runPull(app, job, account)).rejects.toThrow('validation-failed')
    expect(await stateOf(table)).toEqual([{ purpose: 'sweep', phase: 'settling' }])
    expect(keysAsked() - before).toBeLessThan(6)
    app.hasura.clearFaults()
    expect(await runPull(app, job, account)).toMatchObject({ counts: { deleted: 5, updated: 10 } })
    await expectMirrored(app, table, account)
    expect(await stateOf(table)).toEqual([])
  })

  test('leaves to their column what is deleted softly, and honours it without a sweep', async ({
    create,
    app,
    account,
    deleted,
    sweep,
  }) => {
    const table = await create(10, ', removed_at timestamptz')
    const softly = { softDelete: 'removed_at' }
    await runPull(app, table.pull(softly), account)
    await app.hasura.sql(`update ${table.name} set removed_at = now(), updated_at = now() where id = 4`)
    expect(await runPull(app, table.pull(softly), account)).toMatchObject({ counts: { deleted: 1, updated: 0 } })
    expect(await deleted(table)).toEqual([4])
    expect(await runPull(app, table.pull(softly), account)).toMatchObject({ counts: { deleted: 0, updated: 0 } })
    expect(await sweep(table, softly)).toMatchObject({ counts: { revived: 0, deleted: 0, updated: 0 } })
    await app.hasura.sql(`update ${table.name} set removed_at = null, updated_at = now() where id = 4`)
    expect(await runPull(app, table.pull(softly), account)).toMatchObject({ counts: { revived: 1 } })
    expect(await deleted(table)).toEqual([])
  })

  test('is what each run of a table without a cursor does with whole rows', async ({ create, app, account }) => {
    const table = await create(45)
    const job = table.pull({ cursor: undefined, pageSize: 10 })
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 45 } })
    await app.hasura.sql(`update ${table.name} set title = 'silently' where id = 9`)
    await app.hasura.sql(`delete from ${table.name} where id = 10`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { updated: 1, deleted: 1, unchanged: 43 } })
    await expectMirrored(app, table, account)
  })

  test('of one account does not touch the rows of another', async ({ create, app, account, sweep }) => {
    const table = await create(20)
    const other = app.addAccount()
    const job = table.pull()
    await runPull(app, job, account)
    await runPull(app, job, other)
    await app.hasura.sql(`delete from ${table.name} where id = 1`)
    expect(await sweep(table)).toMatchObject({ counts: { deleted: 1 } })
    const { rows } = await sql`select from ${sql.table(`mirror.${table.name}`)}
      where _account = ${other} and _deleted_at is null`.execute(app.deps.store)
    expect(rows).toHaveLength(20)
  })
})
