import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import {
  expectMirrored,
  openTableSandbox,
  readMirror,
  type SourceTable,
  type TableSandbox,
} from '../fixtures/source-table.ts'
import { alterSelectPermission, setIntrospection, setSelectPermission } from '../sandbox/hasura/change-metadata.ts'
import { hasPostgres } from '../services/postgres.ts'

const rows = 20
const everything = { columns: '*', filter: {} } as const
const unseen = {
  code: 'validation-failed',
  message: expect.stringContaining('the schema changed, or role "viewer" may not see it'),
}

let sandbox: TableSandbox
let app: TestApp
beforeAll(async () => {
  sandbox = await openTableSandbox()
  app = await openTestApp({
    backend: hasPostgres ? 'postgres' : 'embedded',
    sandbox,
    schemaFolder: sandbox.schemaFolder,
  })
})
afterAll(async () => {
  await app[Symbol.asyncDispose]()
  await sandbox[Symbol.asyncDispose]()
})

let table: SourceTable
let account: string
beforeEach(async () => {
  account = app.addAccount()
  // Old rows: none of them is read again unless all are.
  table = await sandbox.createTable({
    columns: "id int primary key, title text, size int, updated_at timestamptz not null default '2026-01-01'",
  })
  await sandbox.hasura.sql(`insert into ${table.name} select n, 'row ' || n, n from generate_series(1, ${rows}) n`)
  await runPull(app, table.pull(), account)
})

const run = (job = table.pull({ pageSize: 4 })) => runPull(app, job, account)
const alter = (change: string) => sandbox.hasura.sql(`alter table ${table.name} ${change}`)
const mirror = (...columns: string[]) => readMirror(app, table.name, account, ['id', ...columns])
const write = (id: number) =>
  sandbox.hasura.sql(`insert into ${table.name} (id, updated_at) values (${id}, now())
    on conflict (id) do update set updated_at = now()`)

describe('a column', () => {
  test('that the API gains and the document does not name changes nothing', async () => {
    const job = table.pull()
    await alter("add column note text default 'new'")
    await table.change()
    expect(await run(job)).toMatchObject({ counts: { read: 0 } })
  })

  test('that the document gains is filled in every row', async () => {
    await alter("add column note text default 'new'")
    await table.change()
    await run()
    await expectMirrored(app, table, account)
    expect(await mirror('note')).toContain('{"id": 1, "note": "new"}')
    expect(await run()).toMatchObject({ counts: { read: 0 } })
  })

  test('that the document loses is kept, and null where rows are written', async () => {
    const job = table.pull({ columns: ['id', 'title', 'updated_at'] })
    await write(1)
    await run(job)
    expect(await mirror('size')).toHaveLength(rows)
    await write(100)
    await run(job)
    expect(await mirror('size')).toContain('{"id": 100, "size": null}')
  })

  test('that is renamed in both is filled under its new name, and kept under its old one', async () => {
    await alter('rename column size to extent')
    await table.change()
    await run()
    await expectMirrored(app, table, account)
    expect(await mirror('size')).toHaveLength(rows)
  })

  test.each(['drop column size', 'rename column size to extent'])(
    'that the document names is missed after "%s", in words that say where to look, and nothing is lost',
    async change => {
      const job = table.pull()
      await alter(change)
      await sandbox.hasura.changeMetadata()
      await expect(run(job)).rejects.toMatchObject(unseen)
      expect(await mirror('title', 'size')).toContain('{"id": 7, "size": 7, "title": "row 7"}')
    },
  )

  test.each([
    ['int', 'text'],
    ['int', 'bigint'],
    ['text', 'jsonb'],
  ])('whose type changes from %s to %s holds the job, with what can be done about it', async (before, after) => {
    const column = before === 'int' ? 'size' : 'title'
    await alter(`alter column ${column} type ${after} using to_json(${column})::text::${after}`)
    await table.change()
    await expect(run()).rejects.toMatchObject({
      name: 'RefusalError',
      scope: 'job',
      message: expect.stringMatching(new RegExp(`(?=.*"${column}")(?=.*mirror\\.${table.name})(?=.*reset)`)),
    })
    expect(await mirror('title', 'size')).toHaveLength(rows)
  })
})

describe('a cursor', () => {
  test('that loses its "not null" leads no run astray, though one that reads all meets a null', async () => {
    const job = table.pull({ pageSize: 4 })
    await alter('alter column updated_at drop not null')
    await sandbox.hasura.changeMetadata()
    await sandbox.hasura.sql(`insert into ${table.name} (id, updated_at) values (100, null)`)
    expect(await runPull(app, job, account, { full: true })).toMatchObject({ counts: { inserted: 1 } })
    await write(101)
    expect(await run(job)).toMatchObject({ counts: { inserted: 1 } })
    await expectMirrored(app, table, account)
  })
})

describe('a permission', () => {
  test('for the table that is taken away and granted again loses nothing', async () => {
    const job = table.pull()
    await sandbox.hasura.changeMetadata(setSelectPermission(table.name, 'viewer', undefined))
    await expect(run(job)).rejects.toMatchObject(unseen)
    expect(await mirror()).toHaveLength(rows)
    await sandbox.hasura.changeMetadata(setSelectPermission(table.name, 'viewer', everything))
    await write(100)
    expect(await run(job)).toMatchObject({ counts: { inserted: 1 } })
    await expectMirrored(app, table, account)
  })

  test('for a column that is taken away and granted again loses nothing', async () => {
    const job = table.pull()
    await sandbox.hasura.changeMetadata(alterSelectPermission(table.name, 'viewer', { columns: ['id', 'updated_at'] }))
    await expect(run(job)).rejects.toMatchObject(unseen)
    await sandbox.hasura.changeMetadata(alterSelectPermission(table.name, 'viewer', { columns: '*' }))
    await write(3)
    expect(await run(job)).toMatchObject({ counts: { updated: 1 } })
    await expectMirrored(app, table, account)
  })

  test('that is taken away in the middle ends the run, and the next one goes on where it was', async () => {
    await sandbox.hasura.sql(`update ${table.name} set updated_at = now()`)
    let taken: Promise<void> | undefined
    const job = table.pull({ pageSize: 2 })
    await expect(
      runPull(app, job, account, {
        onProgress() {
          taken ??= sandbox.hasura.changeMetadata(setSelectPermission(table.name, 'viewer', undefined))
        },
      }),
    ).rejects.toMatchObject(unseen)
    await taken
    await sandbox.hasura.changeMetadata(setSelectPermission(table.name, 'viewer', everything))
    const { rows: written } = await sql`
      select from ${sql.table(`mirror.${table.name}`)} where _account = ${account} and updated_at > '2026-01-01'`.execute(
      app.deps.store,
    )
    expect(written.length).toBeGreaterThan(0)
    expect(await run(job)).toMatchObject({ counts: { updated: rows - written.length, unchanged: 0 } })
    await expectMirrored(app, table, account)
  })

  test('with a row filter that narrows takes no row from the mirror, and one that widens shows old rows to a full run', async () => {
    const job = table.pull()
    await sandbox.hasura.changeMetadata(alterSelectPermission(table.name, 'viewer', { filter: { size: { _lt: 5 } } }))
    await run(job)
    expect(await mirror()).toHaveLength(rows)
    const other = app.addAccount()
    await runPull(app, job, other)
    await expectMirrored(app, table, other, { where: 'size < 5' })
    await sandbox.hasura.changeMetadata(alterSelectPermission(table.name, 'viewer', { filter: {} }))
    expect(await runPull(app, job, other, { full: true })).toMatchObject({ counts: { inserted: rows - 4, updated: 0 } })
    await expectMirrored(app, table, other)
  })

  test('to introspect is not needed', async () => {
    const job = table.pull()
    await sandbox.hasura.changeMetadata(setIntrospection('viewer', false))
    await write(1)
    expect(await run(job)).toMatchObject({ counts: { updated: 1 } })
    await sandbox.hasura.changeMetadata(setIntrospection('viewer', true))
  })
})
