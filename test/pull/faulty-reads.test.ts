import { sql } from 'kysely'
import { expect } from 'vitest'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored, type SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { alterSelectPermission, setSelectPermission } from '../sandbox/hasura/change-metadata.ts'

const graphqlError = { kind: 'graphql-error', code: 'validation-failed', message: 'no' } as const
const status500 = { kind: 'status', status: 500 } as const

const test = tableTest.extend(
  'asked',
  ({ app }) =>
    (table: SourceTable, suffix = '') =>
      app.hasura.requests.filter(({ operationName }) => operationName === `Pull_${table.name}${suffix}`).length,
)

test('a scan by number resumes after a response that failed, however short the pages become', async ({
  sandbox,
  app,
  account,
}) => {
  const table = await sandbox.createTable({
    columns: 'id int primary key, revision bigint not null',
    cursor: 'revision',
  })
  await app.hasura.sql(`insert into ${table.name} values (0, 0)`)
  const job = table.pull({ pageSize: 20, lookback: 1000 })
  await runPull(app, job, account)
  await app.hasura.sql(`insert into ${table.name} select n, n from generate_series(1, 100) n`)
  app.hasura.fault({ operationName: `Pull_${table.name}`, after: 1, times: 1 }, status500)
  await runPull(app, job, account)
  await expectMirrored(app, table, account)
})

const interruptedTest = test.extend('interrupted', async ({ sandbox, app, account }) => {
  const table = await sandbox.createTable({
    columns: 'id int primary key, title text, changed_on date not null',
    cursor: 'changed_on',
  })
  await app.hasura.sql(`insert into ${table.name} select n, 'old', '2026-01-01' from generate_series(1, 6) n`)
  const job = table.pull({ pageSize: 2 })
  await runPull(app, job, account)
  await app.hasura.sql(`update ${table.name} set changed_on = current_date`)
  app.hasura.fault({ operationName: `Pull_${table.name}`, after: 1, times: 1 }, graphqlError)
  await expect(runPull(app, job, account)).rejects.toThrow('validation-failed')
  return { table, job }
})

interruptedTest(
  'a scan that resumes finds a row that has changed meanwhile, with the cursor of those that were read before',
  async ({ interrupted: { table, job }, app, account }) => {
    await app.hasura.sql(`update ${table.name} set title = 'new' where id = 1`)
    await runPull(app, job, account)
    await expectMirrored(app, table, account)
  },
)

interruptedTest(
  'a scan that resumes for the request that started it reads only the rest: it ends, however often it is interrupted',
  async ({ interrupted: { table, job }, app, account }) => {
    await sql`update worker.checkpoints set scan_started_at = ${new Date(Date.now() + 60_000).toISOString()}
      where job = ${job.name}`.execute(app.deps.store)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { read: 4, updated: 4 } })
    await expectMirrored(app, table, account)
  },
)

interruptedTest('a dry run of a scan that resumes counts each row once', async ({ interrupted, app, account }) => {
  expect(await runPull(app, interrupted.job, account, { dryRun: true })).toMatchObject({
    counts: { read: 4, updated: 4 },
  })
})

test('a scan by number with a lookback gets beyond pages that wide rows make short', async ({
  sandbox,
  app,
  account,
  mirrored,
}) => {
  const table = await sandbox.createTable({
    columns: 'id int primary key, revision bigint not null, big text',
    cursor: 'revision',
  })
  await app.hasura.sql(`insert into ${table.name} values (0, 0)`)
  const job = table.pull({ pageSize: 20, lookback: 1000, sweep: false })
  await runPull(app, job, account)
  await app.hasura.sql(`insert into ${table.name} select n, n, repeat('x', 600000) from generate_series(1, 60) n`)
  for (let n = 0; n < 4; n += 1) await runPull(app, job, account)
  expect(await mirrored(table)).toBe(61)
})

test('a cursor without a zone is UTC, wherever the worker is', async ({ sandbox, app, account, mirrored }) => {
  const before = process.env.TZ
  process.env.TZ = 'America/New_York'
  try {
    const table = await sandbox.createTable({ columns: `id int primary key, updated_at timestamp not null` })
    await app.hasura.sql(`insert into ${table.name} values (0, '2026-01-01')`)
    const job = table.pull({ pageSize: 20, sweep: false })
    await runPull(app, job, account)
    // The last run was three hours ago
    await sql`update worker.checkpoints set scanned_at = ${new Date(Date.now() - 3 * 3_600_000).toISOString()} where job = ${job.name}`.execute(
      app.deps.store,
    )
    await app.hasura.sql(
      `insert into ${table.name} select n, (now() at time zone 'utc') - interval '2 hours' + n * interval '1 second' from generate_series(1, 100) n`,
    )
    app.hasura.fault({ operationName: `Pull_${table.name}`, after: 1, times: 1 }, status500)
    await runPull(app, job, account)
    app.hasura.clearFaults()
    await runPull(app, job, account)
    expect(await mirrored(table)).toBe(101)
  } finally {
    if (before === undefined) delete process.env.TZ
    else process.env.TZ = before
  }
})

test('a permission that is lost while a sweep settles is met by the guard as well', async ({
  create,
  app,
  account,
}) => {
  const table = await create(60)
  const job = table.pull({ pageSize: 20 })
  await runPull(app, job, account)
  // Silent changes: the cursor went back.
  await app.hasura.sql(`update ${table.name} set updated_at = '2020-01-01' where id <= 50`)
  app.hasura.fault({ operationName: `Pull_${table.name}`, after: 1, times: 1 }, graphqlError)
  await expect(runPull(app, job, account, { payload: { sweep: true } })).rejects.toThrow()
  app.hasura.clearFaults()
  await table.change(setSelectPermission(table.name, 'viewer', { columns: '*', filter: { id: { _gt: 1000 } } }))
  const result = await runPull(app, job, account).catch((error: unknown) => error)
  expect(result).toMatchObject({ code: 'deletion-guard' })
})

test('an interrupted load starts again when the account’s claims have changed', async ({
  create,
  app,
  account,
  mirrored,
}) => {
  const table = await create(60)
  await table.change(setSelectPermission(table.name, 'viewer', { columns: '*', filter: { _or: [{ id: { _gt: 5 } }] } }))
  const job = table.pull({ pageSize: 10, ranges: 1 })
  app.hasura.fault({ operationName: `Pull_${table.name}`, after: 3, times: 1 }, graphqlError)
  await expect(runPull(app, job, account)).rejects.toThrow()
  app.hasura.clearFaults()
  // more is granted, and the claims tell
  await table.change(setSelectPermission(table.name, 'viewer', { columns: '*', filter: {} }))
  app.idp.setRoles(account, ['viewer', 'editor'])
  const token = await app.deps.accounts.get(account)?.tokens.get()
  if (token) app.deps.accounts.get(account)?.tokens.drop(token)
  await runPull(app, job, account)
  await runPull(app, job, account)
  await runPull(app, job, account)
  expect(await mirrored(table)).toBe(60)
})

test('bad answers make pages small for a while, not for the rest of a read', async ({
  create,
  app,
  account,
  asked,
}) => {
  const table = await create(600)
  const job = table.pull({ pageSize: 100, ranges: 1 })
  app.hasura.fault({ operationName: `Pull_${table.name}`, after: 1, times: 3 }, status500)
  await runPull(app, job, account)
  expect(asked(table)).toBeLessThan(30)
})

test('a count that fails ends no run', async ({ create, sandbox, app, account, mirrored }) => {
  const table = await create(10)
  await table.change(alterSelectPermission(table.name, 'viewer', { allow_aggregations: true }))
  const job = table.pull()
  await sandbox.hasura.changeMetadata(alterSelectPermission(table.name, 'viewer', { allow_aggregations: false }))
  await runPull(app, job, account)
  expect(await mirrored(table)).toBe(10)
})

test('a full read does not reuse what another run had read of it', async ({ create, app, account }) => {
  const table = await create(60)
  const job = table.pull({ pageSize: 10, ranges: 1 })
  await runPull(app, job, account)
  app.hasura.fault({ operationName: `Pull_${table.name}`, after: 3, times: 1 }, graphqlError)
  await expect(runPull(app, job, account, { payload: { full: true } })).rejects.toThrow()
  app.hasura.clearFaults()
  await app.hasura.sql(`update ${table.name} set title = 'silently' where id = 1`)
  await app.hasura.sql(`delete from ${table.name} where id = 2`)
  await runPull(app, job, account, { payload: { full: true } })
  await expectMirrored(app, table, account)
})
