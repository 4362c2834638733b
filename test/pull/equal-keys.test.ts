import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { readChanges } from '../../src/changes/changes.ts'
import { stores } from '../fixtures/open-test-app.ts'
import { type PullRun, runPull } from '../fixtures/run-pull.ts'
import { expectMirrored, type SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'

const rows = 20
const updatedAt = "updated_at timestamptz not null default '2026-01-01'"

/** The key as `n` makes it, and what the source does so that it writes the same keys otherwise. */
const respelled = {
  'a numeric whose scale grows': {
    columns: `id numeric(12,1) primary key, ${updatedAt}`,
    insert: (table: string) => `insert into ${table} select n from generate_series(1, ${rows}) n`,
    change: (table: string) => `alter table ${table} alter column id type numeric(12,2)`,
  },
  'a numeric in a key of several columns': {
    columns: `kind text, id numeric(12,1), ${updatedAt}, primary key (kind, id)`,
    key: ['kind', 'id'],
    insert: (table: string) => `insert into ${table} select 'k' || n % 3, n from generate_series(1, ${rows}) n`,
    change: (table: string) => `alter table ${table} alter column id type numeric(12,3)`,
  },
  'an interval in hours for days': {
    columns: `id interval primary key, ${updatedAt}`,
    insert: (table: string) => `insert into ${table} select n * interval '1 day' from generate_series(1, ${rows}) n`,
    change: (table: string) => `update ${table} set id = extract(epoch from id) * interval '1 second'`,
  },
} as const

const modes: Readonly<Record<string, { readonly options: Partial<PullRun>; readonly touches?: true }>> = {
  'a full run': { options: { payload: { full: true } } },
  'a sweep': { options: { payload: { sweep: true } } },
  'an incremental run': { options: {}, touches: true },
}

const test = tableTest
  /** Digit by digit: in a comparison of values they would be the same. */
  .extend('expectSpelling', ({ app }) => async (table: SourceTable, account: string) => {
    await expectMirrored(app, table, account)
    const source = await app.hasura.sql(`select id::text as row from ${table.name}`)
    const { rows: here } = await sql<{ row: string }>`
      select id::text as row from ${sql.table(`mirror.${table.name}`)} where _account = ${account}`.execute(
      app.deps.store,
    )
    expect(here.map(({ row }) => row).toSorted()).toEqual(source.map(({ row }) => row).toSorted())
  })

describe.each(stores)('keys that are equal and written otherwise on %s', backend => {
  test.override('backend', backend)

  const cases = Object.entries(respelled).flatMap(([what, key]) =>
    Object.entries(modes).map(([mode, how]) => ({ what, mode, key, how })),
  )

  test.for(cases)(
    '$what: $mode takes the new spelling, and deletes nothing',
    async ({ key, how }, { sandbox, app, expectSpelling }) => {
      const { columns, insert, change } = key
      const table = await sandbox.createTable({ columns, ...('key' in key && { key: key.key }) })
      const job = table.pull({ pageSize: 20 })
      const account = app.addAccount()
      await app.hasura.sql(insert(table.name))
      await runPull(app, job, account)
      const { position } = await readChanges(app.deps.store, job.mirror, { after: '0' })

      await app.hasura.sql(change(table.name))
      if (how.touches) await app.hasura.sql(`update ${table.name} set updated_at = now()`)
      const dry = await runPull(app, job, account, { ...how.options, dryRun: true })
      expect(dry).toMatchObject({ counts: { inserted: 0, updated: rows, deleted: 0 } })
      const run = await runPull(app, job, account, how.options)
      expect(run).toMatchObject({ counts: { inserted: 0, updated: rows, deleted: 0, revived: 0 } })
      await expectSpelling(table, account)

      const { changes } = await readChanges(app.deps.store, job.mirror, { after: position })
      expect(changes.filter(({ op }) => op === 'upsert')).toHaveLength(rows)
      expect(changes).toHaveLength(rows)
      const again = await runPull(app, job, account, how.options)
      expect(again).toMatchObject({ counts: { inserted: 0, updated: 0, deleted: 0 } })
    },
  )

  test('a zero that becomes negative is the same row', async ({ sandbox, app, expectSpelling }) => {
    const table = await sandbox.createTable({ columns: `id float8 primary key, ${updatedAt}` })
    const account = app.addAccount()
    await app.hasura.sql(`insert into ${table.name} values (0), (1)`)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`update ${table.name} set id = '-0' where id = 0`)
    const sweep = { payload: { sweep: true } }
    expect(await runPull(app, table.pull(), account, sweep)).toMatchObject({ counts: { updated: 1, deleted: 0 } })
    await expectSpelling(table, account)
  })

  test('a key that is gone is marked by its value, also where the mirror writes it otherwise', async ({
    sandbox,
    app,
  }) => {
    const table = await sandbox.createTable({ columns: `id numeric(12,1) primary key, ${updatedAt}` })
    const account = app.addAccount()
    await app.hasura.sql(`insert into ${table.name} select n from generate_series(1, ${rows}) n`)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`alter table ${table.name} alter column id type numeric(12,2);
      delete from ${table.name} where id <= 5`)
    const counts = { inserted: 0, updated: rows - 5, deleted: 5 }
    expect(await runPull(app, table.pull(), account, { payload: { full: true } })).toMatchObject({ counts })
    await expectMirrored(app, table, account)
  })
})
