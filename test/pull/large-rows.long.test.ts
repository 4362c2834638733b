import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { stores } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import type { SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'

const columns = 'id int primary key, body text, data jsonb, updated_at timestamptz not null default now()'
const digest = 'id, md5(body) as body, md5(data::text) as data, length(body)'
const megabyte = 1_000_000

const test = tableTest
  /** Rows of about so many bytes, of which half are text and half are JSON. */
  .extend(
    'fill',
    ({ app }) =>
      (table: SourceTable, rows: number, bytes: number) =>
        app.hasura.sql(`insert into ${table.name} (id, body, data)
      select n, repeat(md5(n::text), ${Math.round(bytes / 64)}), to_jsonb(array(select md5(n::text) from generate_series(1, ${Math.round(bytes / 70)})))
      from generate_series(1, ${rows}) n`),
  )
  .extend('expectEqual', ({ app }) => async (table: SourceTable, account: string) => {
    const { rows } = await sql<Record<string, unknown>>`
      select ${sql.raw(digest)} from ${sql.table(`mirror.${table.name}`)} where _account = ${account} order by id`.execute(
      app.deps.store,
    )
    expect(rows).toEqual(await app.hasura.sql(`select ${digest} from ${table.name} order by id`))
  })

describe.each(stores)('large rows into %s', backend => {
  test.override('backend', backend)

  test('of ten megabytes each are mirrored', async ({ sandbox, fill, app, expectEqual }) => {
    const table = await sandbox.createTable({ columns })
    await fill(table, 3, 10 * megabyte)
    const account = app.addAccount()
    expect(await runPull(app, table.pull(), account)).toMatchObject({ counts: { inserted: 3 } })
    await expectEqual(table, account)
    await app.hasura.sql(`update ${table.name} set body = body || '!', updated_at = now() where id = 2`)
    expect(await runPull(app, table.pull({ lookback: 0 }), account)).toMatchObject({ counts: { updated: 1 } })
    await expectEqual(table, account)
  })

  test.runIf(backend === 'embedded')(
    'are asked for in smaller pages when a whole one is too much',
    async ({ sandbox, fill, app, expectEqual }) => {
      const table = await sandbox.createTable({ columns })
      await fill(table, 12, megabyte / 10)
      app.hasura.fault({}, { kind: 'too-long', bytes: (5 * megabyte) / 10 })
      const account = app.addAccount()
      expect(await runPull(app, table.pull(), account)).toMatchObject({ counts: { inserted: 12 } })
      await expectEqual(table, account)
    },
  )
})
