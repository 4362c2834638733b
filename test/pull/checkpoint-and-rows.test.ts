import { sql } from 'kysely'
import { expect } from 'vitest'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored } from '../fixtures/source-table.ts'
import { tableTest as test } from '../fixtures/table-test.ts'

test('a page whose rows are refused leaves the checkpoint where it is', async ({ sandbox, app, account }) => {
  const { store } = app.deps
  const columns = 'id int primary key, title text, updated_at timestamptz not null default now()'
  const table = await sandbox.createTable({ columns })
  const job = table.pull()
  const checkpoint = () => store.selectFrom('worker.checkpoints').selectAll().where('account', '=', account).execute()
  await app.hasura.sql(`insert into ${table.name} values (1, 'first')`)
  await runPull(app, job, account)
  const before = await checkpoint()
  const mirror = sql.table(`mirror.${table.name}`)
  await sql`alter table ${mirror} add constraint no_second check (title <> 'second')`.execute(store)
  await app.hasura.sql(`insert into ${table.name} values (2, 'second'), (3, 'third')`)
  await expect(runPull(app, job, account)).rejects.toThrow('no_second')
  expect(before).toHaveLength(1)
  expect(await checkpoint()).toEqual(before)
  await sql`alter table ${mirror} drop constraint no_second`.execute(store)
  await runPull(app, job, account)
  await expectMirrored(app, table, account)
})
