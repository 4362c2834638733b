import { expect } from 'vitest'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { alterSelectPermission } from '../sandbox/hasura/change-metadata.ts'

const rung = { payload: { rung: true } }

const test = tableTest.extend('table', async ({ sandbox }) => {
  const columns = 'id int primary key, title text, updated_at timestamptz not null default now()'
  const table = await sandbox.createTable({ columns })
  await sandbox.hasura.sql(`insert into ${table.name} (id, title, updated_at)
    select n, 'row ' || n, now() - interval '1 day' + n * interval '1 minute' from generate_series(1, 9) n`)
  return table
})

test('a scan that was rung for is one request once a longer page is known', async ({ app, table, account }) => {
  const job = table.pull()
  await runPull(app, job, account)
  await app.hasura.sql(`insert into ${table.name} values (10, 'ten', now())`)
  const before = app.hasura.requests.length
  expect(await runPull(app, job, account, rung)).toMatchObject({ counts: { inserted: 1 } })
  expect(app.hasura.requests.length - before).toBe(1)
  await expectMirrored(app, table, account)
})

test('what a lowered row limit keeps from such scans is found by the next scheduled one, and by those after it', async ({
  app,
  table,
  account,
}) => {
  const job = table.pull()
  await runPull(app, job, account)
  await table.change(alterSelectPermission(table.name, 'viewer', { limit: 2 }))
  await app.hasura.sql(`insert into ${table.name} select n, 'late', now() from generate_series(10, 15) n`)
  expect(await runPull(app, job, account, rung)).toMatchObject({ counts: { read: 2 } })
  await runPull(app, job, account)
  await expectMirrored(app, table, account)
  await app.hasura.sql(`insert into ${table.name} select n, 'later', now() from generate_series(20, 25) n`)
  expect(await runPull(app, job, account, rung)).toMatchObject({ counts: { inserted: 6 } })
})
