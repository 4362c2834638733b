import { randomUUID } from 'node:crypto'
import { Client } from 'pg'
import { describe, expect } from 'vitest'
import type { Backend } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { createNumberedTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'
import { createDatabase, hasPostgres } from '../services/postgres.ts'

const test = tableTest
  .extend('backend', (): Backend => 'postgres')
  .extend('administrator', { scope: 'file' }, async ({ closing }) => {
    const database = closing.use(await createDatabase())
    const client = new Client({ connectionString: database.url })
    await client.connect()
    closing.defer(() => client.end())
    return { url: database.url, does: (statements: string) => client.query(statements) }
  })
  .extend('appOptions', { scope: 'file' }, async ({ administrator, closing }) => {
    const url = new URL(administrator.url)
    url.username = `worker_${randomUUID().replaceAll('-', '')}`
    await administrator.does(
      `create role ${url.username} login; grant create on database ${url.pathname.slice(1)} to ${url.username}`,
    )
    closing.defer(async () => {
      await administrator.does(`drop owned by ${url.username} cascade; drop role ${url.username}`)
    })
    return { env: { DATABASE_URL: url.href } }
  })

describe.runIf(hasPostgres)('a mirror table that an administrator', () => {
  test.for<[string, string, RegExp, string]>([
    [
      'owns, as after a restore',
      'owner to postgres',
      /: permission denied for table t_\w+ \(SQLSTATE 42501\)$/,
      'doctor',
    ],
    [
      'gave a row security without policies',
      'enable row level security, force row level security',
      /^The row security of mirror\.t_\w+ refuses/,
      'no force row level security',
    ],
  ])('%s holds the job, with what to do', async ([, change, found, remedy], { sandbox, app, administrator }) => {
    const table = await createNumberedTable(sandbox, 3)
    const account = app.addAccount()
    const job = table.pull()
    await runPull(app, job, account)
    await administrator.does(`alter table mirror.${table.name} ${change}`)
    await sandbox.hasura.sql(`insert into ${table.name} (id, title) values (4, 'new')`)
    await expect(runPull(app, job, account)).rejects.toMatchObject({
      code: 'mirror-table',
      scope: 'job',
      found: expect.stringMatching(found),
      remedy: expect.stringContaining(remedy),
    })
  })
})
