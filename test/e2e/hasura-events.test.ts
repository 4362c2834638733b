import { sql } from 'kysely'
import { expect } from 'vitest'
import { off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { createNumberedTable, expectMirrored } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { startEventTrigger } from '../sandbox/hasura/event-triggers.ts'

const test = tableTest.extend('appOptions', { scope: 'file' }, { jobs: [], firstLogin: null })

test('what is committed behind Hasura reaches the mirror by its event: a new row, a changed one and one that is gone', async ({
  sandbox,
  app,
}) => {
  const table = await createNumberedTable(sandbox, 30)
  const job = table.pull({ on: { table: { schema: 'public', name: table.name } } })
  app.addJob(job)
  await runPull(app, job, 'default')
  await using http = createHttp({
    operations: app.operations,
    authorize: off,
    knowsHookSecret: async shown => shown === 'known',
    log: app.logged.log,
  })
  const url = await http.listen({ host: '127.0.0.1', port: 0 })
  await using _serving = await app.serve()
  await using _trigger = await startEventTrigger(app.hasura, {
    name: 'rows_changed',
    table: table.name,
    webhook: `${url}/hooks/hasura/events`,
    headers: { 'x-hook-secret': 'known' },
  })

  const titleOf = async (id: number) => {
    const { rows } = await sql<{ title: string; gone: boolean }>`
      select title, _deleted_at is not null as gone from ${sql.table(`mirror.${table.name}`)} where id = ${id}`.execute(
      app.deps.store,
    )
    return rows[0]
  }
  await app.hasura.sql(`insert into ${table.name} (id, title, updated_at) values (31, 'new', now())`)
  await expect.poll(() => titleOf(31)).toEqual({ title: 'new', gone: false })
  await app.hasura.sql(`update ${table.name} set title = 'changed', updated_at = now() where id = 7`)
  await expect.poll(() => titleOf(7)).toEqual({ title: 'changed', gone: false })
  await app.hasura.sql(`delete from ${table.name} where id = 8`)
  await expect.poll(() => titleOf(8)).toMatchObject({ gone: true })
  await app.hasura.sql(`update ${table.name} set id = 100, updated_at = now() where id = 9`)
  await expect.poll(() => titleOf(9)).toMatchObject({ gone: true })
  await expectMirrored(app, table, 'default')
})
