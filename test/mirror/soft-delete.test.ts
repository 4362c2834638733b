import { sql } from 'kysely'
import { expect } from 'vitest'
import { readChanges } from '../../src/changes/changes.ts'
import { rowsOf } from '../../src/hasura/rows.ts'
import { findDeleted } from '../../src/mirror/soft-delete.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { readMirror, type SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'

const test = tableTest
  /** A table with one row for each value, in SQL. */
  .extend(
    'createTable',
    ({ sandbox, app }) =>
      async (type: string, values: readonly string[]): Promise<SourceTable> => {
        const table = await sandbox.createTable({
          columns: `id int primary key, title text, gone ${type}, updated_at timestamptz not null default now()`,
        })
        for (const [id, value] of values.entries()) {
          await app.hasura.sql(`insert into ${table.name} values (${id}, 'row', ${value})`)
        }
        return table
      },
  )
  .extend(
    'aliveOf',
    ({ app, account }) =>
      async (table: SourceTable) =>
        (await readMirror(app, table.name, account, ['id'])).map(row => Number(/\d+/.exec(row))).sort((a, b) => a - b),
  )

test.for<[type: string, alive: string[], deleted: string[]]>([
  ['boolean', ['null', 'false'], ['true']],
  ['smallint', ['null', '0'], ['1', '-1']],
  ['integer', ['null', '0'], ['1']],
  ['bigint', ['null', '0'], ['9007199254740993']],
  ['numeric', ['null', '0', '0.00', '-0.0'], ['1', '0.01', '1e-400', "'NaN'"]],
  ['real', ['null', '0', "'-0'"], ['1', "'Infinity'"]],
  ['float8', ['null', '0', "'-0'"], ['1', '5e-324', "'NaN'"]],
  ['timestamptz', ['null', "'infinity'"], ['now()', "'-infinity'", "'2099-12-31'"]],
  ['timestamp', ['null', "'infinity'"], ['now()', "'-infinity'"]],
  ['date', ['null', "'infinity'"], ['current_date', "'-infinity'"]],
])(
  'by a column of type %s, %s are alive and %s deleted',
  async ([type, alive, deleted], { createTable, app, account, aliveOf }) => {
    const table = await createTable(type, [...alive, ...deleted])
    const job = table.pull({ softDelete: 'gone', deletionGuard: { floor: 1_000 } })
    const ids = alive.map((_, id) => id)
    // What was deleted before it was ever mirrored is told as such.
    expect(await runPull(app, job, account)).toMatchObject({
      counts: { read: alive.length + deleted.length, inserted: alive.length, deleted: deleted.length, unchanged: 0 },
    })
    expect(await aliveOf(table)).toEqual(ids)
    const { changes } = await readChanges(app.deps.store, job.mirror, { after: '0' })
    expect(changes.filter(({ op }) => op === 'delete')).toHaveLength(deleted.length)
    const nothing = { inserted: 0, updated: 0, deleted: 0, revived: 0 }
    expect(await runPull(app, job, account, { payload: { sweep: true } })).toMatchObject({ counts: nothing })
    expect(await runPull(app, job, account, { payload: { full: true } })).toMatchObject({ counts: nothing })

    // Each becomes the other, by a scan.
    const values = [...deleted, ...alive]
    for (const id of [...alive, ...deleted].keys()) {
      await app.hasura.sql(`update ${table.name} set gone = ${values[id]}, updated_at = now() where id = ${id}`)
    }
    await runPull(app, job, account)
    expect(await aliveOf(table)).toEqual(alive.map((_, id) => deleted.length + id))
  },
)

test.for<[type: string, values: string[], isDeleted: (value: unknown) => boolean, alive: number[]]>([
  ['char(1)', ["'N'", "'Y'", 'null'], value => value === 'Y', [0, 2]],
  ['text', ["''", "'2026-01-01'", 'null'], Boolean, [0, 2]],
  ['bit(1)', ["'0'", "'1'"], value => value === '1', [0]],
  ['smallint', ['0', '1', '2', 'null'], value => value === 2, [0, 1, 3]],
  ['numeric', ['1.00', '0.00', '2'], value => value === 1, [1, 2]],
  ['bigint', ['9007199254740993', '9007199254740992'], value => value === '9007199254740993', [1]],
  ['date', ["'9999-12-31'", "'2026-01-01'", 'null'], value => value !== null && value !== '9999-12-31', [0, 2]],
  // Alive while it says something.
  ['boolean', ['true', 'false', 'null'], value => value !== true, [0]],
])(
  'by a rule of the job’s for type %s and %s',
  async ([type, values, isDeleted, alive], { createTable, app, account, aliveOf }) => {
    const table = await createTable(type, values)
    const job = table.pull({ softDelete: { column: 'gone', isDeleted }, deletionGuard: { floor: 1_000 } })
    const deleted = values.length - alive.length
    expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: alive.length, deleted } })
    expect(await aliveOf(table)).toEqual(alive)
    // A sweep takes none of them for a row that has come back, and finds one that has.
    await sql`update ${sql.table(`mirror.${table.name}`)} set _deleted_at = now() where id = ${alive[0]}`.execute(
      app.deps.store,
    )
    const read = { payload: { sweep: true } }
    expect(await runPull(app, job, account, read)).toMatchObject({ counts: { revived: 1, updated: 0, deleted: 0 } })
    expect(await aliveOf(table)).toEqual(alive)
  },
)

test('a row that is deleted already keeps the instant at which it was', async ({ createTable, app, account }) => {
  const table = await createTable('timestamptz', ['now()', 'null'])
  const job = table.pull({ softDelete: 'gone' })
  const deletedAt = async () => {
    const { rows } = await sql<{ at: Date }>`
      select _deleted_at as at from ${sql.table(`mirror.${table.name}`)} where id = 0`.execute(app.deps.store)
    return rows[0]?.at
  }
  await runPull(app, job, account)
  const at = await deletedAt()
  expect(at).toBeInstanceOf(Date)
  await app.hasura.sql(`update ${table.name} set title = 'changed', gone = now(), updated_at = now() where id = 0`)
  expect(await runPull(app, job, account)).toMatchObject({ counts: { updated: 1, deleted: 0 } })
  await app.hasura.sql(`update ${table.name} set title = 'again' where id = 0`)
  expect(await runPull(app, job, account, { payload: { full: true } })).toMatchObject({
    counts: { updated: 1, deleted: 0 },
  })
  expect(await deletedAt()).toEqual(at)
})

test('a dry run counts what the columns say', async ({ createTable, app, account }) => {
  const table = await createTable('boolean', ['true', 'false', 'false'])
  const job = table.pull({ softDelete: 'gone' })
  expect(await runPull(app, job, account, { dryRun: true })).toMatchObject({ counts: { inserted: 2, deleted: 1 } })
  await runPull(app, job, account)
  await app.hasura.sql(`update ${table.name} set gone = true, updated_at = now() where id = 1`)
  await app.hasura.sql(`insert into ${table.name} values (10, 'new', true)`)
  expect(await runPull(app, job, account, { dryRun: true, payload: { sweep: true } })).toMatchObject({
    counts: { inserted: 0, updated: 0, deleted: 2, revived: 0 },
  })
})

test('a transform may say that a row is deleted', async ({ createTable, app, account, aliveOf }) => {
  const table = await createTable('boolean', ['false', 'false'])
  const job = table.pull({
    softDelete: 'gone',
    transform: row => (String(row.id) === '1' ? { ...row, gone: 'true' } : row),
  })
  expect(await runPull(app, job, account)).toMatchObject({ counts: { inserted: 1, deleted: 1 } })
  expect(await aliveOf(table)).toEqual([0])
})

test('a column of a flattened object is found in it', () => {
  const column = { name: 'owner_left', type: 'boolean', path: ['owner', 'left'] } as const
  const table = { name: 't', key: ['id'], columns: [column] }
  const page = rowsOf([{ owner: { left: true } }, { owner: { left: false } }, { owner: null }, {}])
  expect(findDeleted(page, table, { column: 'owner_left' })).toEqual([true, false, false, false])
})
