import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { backends, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { openTableSandbox, type SourceTable, type TableSandbox } from '../fixtures/source-table.ts'

let sandbox: TableSandbox
beforeAll(async () => {
  sandbox = await openTableSandbox()
})
afterAll(() => sandbox[Symbol.asyncDispose]())

const columns = 'id int primary key, body text, data jsonb, updated_at timestamptz not null default now()'
const megabyte = 1_000_000

describe.each(backends.filter(backend => backend !== 'redis'))('large rows into %s', backend => {
  let app: TestApp
  beforeAll(async () => {
    app = await openTestApp({ backend, sandbox, schemaFolder: sandbox.schemaFolder })
  })
  afterEach(() => app.hasura.clearFaults())
  afterAll(() => app[Symbol.asyncDispose]())

  /** Rows of about so many bytes, of which half are text and half are JSON. */
  const fill = (table: SourceTable, rows: number, bytes: number) =>
    app.hasura.sql(`insert into ${table.name} (id, body, data)
      select n, repeat(md5(n::text), ${Math.round(bytes / 64)}), to_jsonb(array(select md5(n::text) from generate_series(1, ${Math.round(bytes / 70)})))
      from generate_series(1, ${rows}) n`)
  const digest = 'id, md5(body) as body, md5(data::text) as data, length(body)'
  const expectEqual = async (table: SourceTable, account: string) => {
    const { rows } = await sql<Record<string, unknown>>`
      select ${sql.raw(digest)} from ${sql.table(`mirror.${table.name}`)} where _account = ${account} order by id`.execute(
      app.deps.store,
    )
    expect(rows).toEqual(await app.hasura.sql(`select ${digest} from ${table.name} order by id`))
  }

  test('of ten megabytes each are mirrored', async () => {
    const table = await sandbox.createTable({ columns })
    await fill(table, 3, 10 * megabyte)
    const account = app.addAccount()
    expect(await runPull(app, table.pull(), account)).toMatchObject({ counts: { inserted: 3 } })
    await expectEqual(table, account)
    await app.hasura.sql(`update ${table.name} set body = body || '!', updated_at = now() where id = 2`)
    expect(await runPull(app, table.pull({ lookback: 0 }), account)).toMatchObject({ counts: { updated: 1 } })
    await expectEqual(table, account)
  })

  test.runIf(backend === 'embedded')('are asked for in smaller pages when a whole one is too much', async () => {
    const table = await sandbox.createTable({ columns })
    await fill(table, 12, megabyte / 10)
    app.hasura.fault({}, { kind: 'too-long', bytes: (5 * megabyte) / 10 })
    const account = app.addAccount()
    expect(await runPull(app, table.pull(), account)).toMatchObject({ counts: { inserted: 12 } })
    await expectEqual(table, account)
  })
})
