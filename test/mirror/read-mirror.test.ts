import { describe, expect, expectTypeOf } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import type { ChangedTable } from '../../src/mirror/changed-table.ts'
import { mirrorRows } from '../../src/mirror/mirror-rows.ts'
import { type MirrorQuery, readMirror } from '../../src/mirror/read-mirror.ts'
import { appTest } from '../fixtures/app-test.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { pullArticles } from '../fixtures/wiki-documents.ts'

const test = appTest.extend(
  'appOptions',
  { scope: 'file' },
  { clients: [{ clientId: 'north' }, { clientId: 'south' }] },
)

interface Options<Row> {
  readonly query?: (rows: MirrorQuery<Row>) => MirrorQuery<Row>
  readonly withDeleted?: boolean
}

/** What a job of the account reads. */
async function read<Row>(app: TestApp, account: string, table: ChangedTable<string, Row>, options?: Options<Row>) {
  const rows: Row[] = []
  const reader = defineJob({
    name: 'reader',
    payload: z.strictObject({}),
    async run(session, context) {
      rows.push(...(await readMirror(session, context, table, options)))
      return {}
    },
  })
  await runPull(app, reader, account)
  return rows
}

test('a mirror that no run has filled has no rows', async ({ app }) => {
  expect(await read(app, 'north', pullArticles.mirror)).toEqual([])
})

const pulledTest = test.extend('pulled', { scope: 'file', auto: true }, async ({ apps }) =>
  runPull(await apps('embedded'), pullArticles, 'north'),
)

describe('the rows of a pull', () => {
  pulledTest('come typed as its document selects them, and as the API writes them', async ({ app }) => {
    const rows = await read(app, 'north', pullArticles.mirror, { query: rows => rows.orderBy('id').limit(3) })
    expectTypeOf(rows[0]).toExtend<{ id: string; updated_at: string; published_at?: string | null } | undefined>()
    const published = await app.hasura.sql(`
      select id::text, rating::text, to_json(updated_at) #>> '{}' as updated_at
      from articles where status = 'published' order by id limit 3`)
    expect(rows.map(({ id, rating, updated_at }) => ({ id, rating, updated_at }))).toEqual(published)
    expect(Object.keys(rows[0] ?? {}).filter(name => name.startsWith('_'))).toEqual([])
  })

  pulledTest('are narrowed by their columns', async ({ app }) => {
    const [first, second] = await read(app, 'north', pullArticles.mirror, { query: rows => rows.orderBy('id') })
    const later = await read(app, 'north', pullArticles.mirror, {
      query: rows =>
        rows
          .where('id', '>', first?.id ?? '')
          .orderBy('id')
          .limit(1),
    })
    expect(later).toEqual([second])
    // @ts-expect-error a column that the document doesn't select
    const notSelected = read(app, 'north', pullArticles.mirror, { query: rows => rows.where('slug', '=', 'x') })
    await expect(notSelected).rejects.toThrow()
  })

  pulledTest('are the account’s own', async ({ app }) => {
    expect(await read(app, 'south', pullArticles.mirror)).toEqual([])
  })
})

const things = mirrorRows({
  into: 'things',
  key: 'id',
  // One is called like the table in the query.
  columns: { id: 'bigint', price: 'numeric', more: 'jsonb', at: 'timestamp with time zone', rows: 'integer' },
})
const row = {
  id: '9007199254740993',
  price: '12.50',
  more: { n: 1.5, list: [1], id: '9007199254740993', price: 2.5 },
  at: '2026-01-02T03:04:05.000001Z',
  rows: 3,
}

const writtenTest = test.extend('written', { scope: 'file', auto: true }, async ({ apps }) => {
  const writer = defineJob({
    name: 'writer',
    payload: z.strictObject({}),
    async run({ account }, { transaction }) {
      await transaction(async tx => {
        await things.ensure(tx)
        const digits = { id: JSON.rawJSON('9007199254740993'), price: JSON.rawJSON('2.50') }
        const written = { ...row, more: { ...row.more, ...digits } }
        await things.write(tx, account.name, [written, { ...written, id: 2 }])
        await things.markDeleted(tx, account.name, [['2']])
      })
      return {}
    },
  })
  await runPull(await apps('embedded'), writer, 'north')
})

describe('the rows of a table that was defined by hand', () => {
  writtenTest('keep every digit, and leave out what is marked as deleted', async ({ app }) => {
    expect(await read(app, 'north', things)).toEqual([{ ...row, at: '2026-01-02T03:04:05.000001+00:00' }])
  })

  writtenTest('have what is marked as deleted too, when that is asked for', async ({ app }) => {
    const rows = await read(app, 'north', things, { query: rows => rows.orderBy('id'), withDeleted: true })
    expect(rows.map(({ id }) => id)).toEqual([2, row.id])
  })
})
