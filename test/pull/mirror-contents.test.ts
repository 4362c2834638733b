import { sql } from 'kysely'
import { expect } from 'vitest'
import { runPull } from '../fixtures/run-pull.ts'
import { expectMirrored, readMirror } from '../fixtures/source-table.ts'
import { tableTest as test } from '../fixtures/table-test.ts'

const graphqlError = { kind: 'graphql-error', code: 'validation-failed', message: 'no' } as const

test('a row that a transform begins to leave out leaves the mirror', async ({ create, app, account, mirrored }) => {
  const table = await create(5)
  const job = table.pull({ transform: row => (row.title === 'secret' ? undefined : row) })
  await runPull(app, job, account)
  await app.hasura.sql(`update ${table.name} set title = 'secret', updated_at = now() where id = 1`)
  await runPull(app, job, account)
  await runPull(app, job, account, { payload: { sweep: true } })
  await runPull(app, job, account, { payload: { full: true } })
  expect(await mirrored(table)).toBe(4)
})

test('another field under the same name is read again', async ({ create, app, account }) => {
  const table = await create(5, ', note text')
  await app.hasura.sql(`update ${table.name} set note = 'note'`)
  await runPull(app, table.pull({ columns: ['id', 'updated_at', 'title'] }), account)
  await runPull(app, table.pull({ columns: ['id', 'updated_at', 'title: note'] }), account)
  await runPull(app, table.pull({ columns: ['id', 'updated_at', 'title: note'] }), account, {
    payload: { sweep: true },
  })
  expect(new Set(await readMirror(app, table.name, account, ['title']))).toEqual(new Set(['{"title": "note"}']))
})

test('a soft-delete column that is named later is honoured for the rows that are there', async ({
  create,
  app,
  account,
  mirrored,
}) => {
  const table = await create(5, ', removed_at timestamptz')
  await app.hasura.sql(`update ${table.name} set removed_at = now() where id = 1`)
  await runPull(app, table.pull(), account)
  const softly = table.pull({ softDelete: 'removed_at' })
  await runPull(app, softly, account)
  await runPull(app, softly, account, { payload: { sweep: true } })
  expect(await mirrored(table)).toBe(4)
})

test('digits that change without the value are written', async ({ create, app, account }) => {
  const table = await create(
    2,
    ", price numeric default 1.0, span interval default '1 day', data jsonb default '{\"n\": 1.0}'",
  )
  const job = table.pull()
  await runPull(app, job, account)
  await app.hasura.sql(
    `update ${table.name} set price = 1.000, span = '24:00:00', data = '{"n": 1.000}', updated_at = now()`,
  )
  await runPull(app, job, account)
  await expectMirrored(app, table, account)
})

test('a bare number of jsonb stays a number after a transform', async ({ create, app, account }) => {
  const table = await create(1, `, data jsonb default '9007199254740993'`)
  await runPull(app, table.pull({ transform: row => row }), account)
  await expectMirrored(app, table, account)
})

test('numbers that JSON can’t write are stored as a transform gives them', async ({ create, app, account }) => {
  const table = await create(1, ', ratio double precision, total numeric, large bigint, words text')
  const numbers = { ratio: 1 / 0, total: Number.NaN, large: 9_007_199_254_740_993n, words: 5n }
  const transform = (row: Record<string, string>): Record<string, string> => Object.assign(row, numbers)
  await runPull(app, table.pull({ transform }), account)
  expect(await readMirror(app, table.name, account, Object.keys(numbers))).toEqual([
    '{"large": 9007199254740993, "ratio": "Infinity", "total": "NaN", "words": "5"}',
  ])
})

test('a column that somebody added to the mirror keeps its values', async ({ create, app, account }) => {
  const table = await create(3)
  const job = table.pull()
  await runPull(app, job, account)
  await sql`alter table ${sql.table(`mirror.${table.name}`)} add column note text default 'mine'`.execute(
    app.deps.store,
  )
  await app.hasura.sql(`update ${table.name} set updated_at = now(), title = 'x' where id = 1`)
  await runPull(app, job, account)
  expect(new Set(await readMirror(app, table.name, account, ['note']))).toEqual(new Set(['{"note": "mine"}']))
})

test('a generated column that somebody added to the mirror doesn’t stop the job', async ({ create, app, account }) => {
  const table = await create(3)
  const job = table.pull()
  await runPull(app, job, account)
  await sql`alter table ${sql.table(`mirror.${table.name}`)} add column low text generated always as (lower(title)) stored`.execute(
    app.deps.store,
  )
  await app.hasura.sql(`update ${table.name} set updated_at = now(), title = 'x' where id = 1`)
  await runPull(app, job, account)
})

test('what the deletion guard advises helps', async ({ create, app, account }) => {
  const table = await create(40)
  const job = table.pull()
  await runPull(app, job, account)
  await app.hasura.sql(`delete from ${table.name} where id <= 20`)
  await runPull(app, job, account, { payload: { full: true } }).catch((error: unknown) => error)
  expect(await runPull(app, job, account, { payload: { allowDeletions: true } })).toMatchObject({
    counts: { deleted: 20 },
  })
})

test('a dry run after an interrupted one tells everything', async ({ create, app, account }) => {
  const table = await create(60)
  const job = table.pull({ pageSize: 10, ranges: 1 })
  app.hasura.fault({ operationName: `Pull_${table.name}`, after: 3, times: 1 }, graphqlError)
  await expect(runPull(app, job, account, { dryRun: true })).rejects.toThrow()
  app.hasura.clearFaults()
  expect(await runPull(app, job, account, { dryRun: true })).toMatchObject({ counts: { inserted: 60 } })
})
