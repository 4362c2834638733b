import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { LeaseLostError, RefusalError } from '../../src/errors.ts'
import { findRows } from '../../src/hasura/rows.ts'
import { parseJson } from '../../src/json/parse-json.ts'
import { ensureMirrorTable, type MirrorTable } from '../../src/mirror/mirror-table.ts'
import { unnestPage } from '../../src/mirror/page-rows.ts'
import { mergePage, mergeStatement } from '../../src/mirror/write-page.ts'
import { type CheckpointKey, findCheckpoint, saveCheckpoint } from '../../src/pull/checkpoint.ts'
import { fencedStatement, fencedTransaction, type Lease } from '../../src/runs/lease.ts'
import type { FencedTransaction } from '../../src/store/store.ts'
import { appTest } from '../fixtures/app-test.ts'
import { stores } from '../fixtures/open-test-app.ts'
import { takeLine } from '../fixtures/take-line.ts'

const rowsIn = (rows: string) => findRows(Buffer.from(`{"data":{"things":[${rows}]}}`), 'things') ?? expect.fail()

const test = appTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })
  .extend('takeNew', ({ app }) => async (): Promise<Lease> => {
    return await takeLine(app.deps, `account-${randomUUID()}`, 'sync-things')
  })
  .extend(
    'inTransaction',
    ({ app }) =>
      <T>(lease: Lease, work: (tx: FencedTransaction) => Promise<T>) =>
        fencedTransaction(app.deps.store, lease, work),
  )
  .extend(
    'write',
    ({ inTransaction }) =>
      (lease: Lease, table: MirrorTable, rows: string) =>
        inTransaction(lease, tx => mergePage(tx, table, lease.account, rowsIn(rows))),
  )
  .extend('read', ({ app }) => async (table: MirrorTable, columns: string) => {
    const { rows } = await sql<Record<string, unknown>>`
      select ${sql.raw(columns)} from ${sql.table(`mirror.${table.name}`)} order by id`.execute(app.deps.store)
    return rows
  })

describe.each(stores)('on %s', backend => {
  test.override('backend', backend)

  const newTable = (...columns: [name: string, type: string][]): MirrorTable => ({
    name: `things_${randomUUID().replaceAll('-', '')}`,
    key: ['id'],
    columns: [['id', 'bigint'], ...columns].map(([name = '', type = '']) => ({ name, type, nullable: true })),
  })

  describe('a mirror table', () => {
    test('keeps digits and microseconds as the response had them', async ({ takeNew, inTransaction, write, read }) => {
      const lease = await takeNew()
      const table = newTable(
        ['rating', 'numeric'],
        ['data', 'jsonb'],
        ['at', 'timestamp with time zone'],
        ['text', 'text'],
      )
      await inTransaction(lease, tx => ensureMirrorTable(tx, table))
      const row = `{"id":9007199254740993,"rating":1234567890.12345678901234567890,
        "data":{"views":9223372036854775808,"ratio":0.12345678901234567890123},
        "at":"2026-01-01T00:00:00.123456+00:00","text":"a \\"quoted\\" line\\nand ünïcode"}`
      expect(
        await write(lease, table, `${row},{"id":2,"rating":null,"data":null,"at":"infinity","text":null}`),
      ).toEqual({ inserted: 2, updated: 0, deleted: 0, revived: 0 })
      const columns = "id::text, rating::text, data::text, (at at time zone 'utc')::text as at, text"
      expect(await read(table, columns)).toEqual([
        { id: '2', rating: null, data: null, at: 'infinity', text: null },
        {
          id: '9007199254740993',
          rating: '1234567890.12345678901234567890',
          data: '{"ratio": 0.12345678901234567890123, "views": 9223372036854775808}',
          at: '2026-01-01 00:00:00.123456',
          text: 'a "quoted" line\nand ünïcode',
        },
      ])
    })

    test('has null in SQL for a null within a flattened object, as for any other', async ({
      takeNew,
      inTransaction,
      write,
      read,
    }) => {
      const lease = await takeNew()
      const columns = ['text', 'json', 'jsonb'].map(type => ({ name: `o_${type}`, type, path: ['o', type] as const }))
      const table = newTable()
      const flattened = { ...table, columns: [...table.columns, ...columns] }
      await inTransaction(lease, tx => ensureMirrorTable(tx, flattened))
      const nothing = '{"text":null,"json":null,"jsonb":null}'
      const something = '{"text":"t","json":{"n":null},"jsonb":[null]}'
      await write(lease, flattened, `{"id":1,"o":${nothing}},{"id":2,"o":null},{"id":3,"o":${something}}`)
      expect(await read(flattened, 'o_text, o_json::text, o_jsonb::text')).toEqual([
        { o_text: null, o_json: null, o_jsonb: null },
        { o_text: null, o_json: null, o_jsonb: null },
        { o_text: 't', o_json: '{"n":null}', o_jsonb: '[null]' },
      ])
    })

    test('gets texts and JSON as they were written, but for what Postgres can’t keep', async ({ app }) => {
      const columns = [
        { name: 'id', type: 'integer' },
        { name: 't', type: 'text' },
        { name: 'j', type: 'jsonb' },
      ]
      const odd = fc.array(
        fc.oneof(
          fc.string(),
          fc.string({ unit: 'binary' }),
          fc.constantFrom('\\', '"', '\0', '\ud83d', '\ude00', '\n', ',', '{', '}', 'null', ' '),
        ),
      )
      const value = fc.oneof(
        odd.map(parts => parts.join('')),
        fc.jsonValue(),
      )
      // Escaped, as Postgres' own functions write some, and spread over lines, as it gives a stored `json` back.
      const write = (json: unknown) =>
        JSON.stringify(json, null, '\n').replace(
          /[^ -~\n]/g,
          c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
        )
      const kept = (json: unknown): unknown =>
        parseJson(
          JSON.stringify(json, (_, each: unknown) =>
            typeof each === 'string' ? each.replaceAll('\0', '\ufffd').toWellFormed() : each,
          ),
        )
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 5 }), async list => {
          const page = rowsIn(list.map(([t, j], id) => `{"id":${id},"t":${write(t)},"j":${write(j)}}`).join(','))
          const { rows } = await sql<{ t: string | null; j: string | null }>`
            select page.t, page.j::text as j from ${unnestPage(page, columns)} order by page.id`.execute(app.deps.store)
          for (const [row, [t, j]] of list.entries()) {
            const found = rows[row]
            expect(typeof t === 'string' ? found?.t : parseJson(found?.t ?? 'null')).toEqual(kept(t))
            expect(parseJson(found?.j ?? 'null')).toEqual(kept(j))
          }
        }),
      )
    })

    test('isn’t written where a row is unchanged, and a row that was deleted comes back', async ({
      takeNew,
      inTransaction,
      write,
      read,
      app,
    }) => {
      const lease = await takeNew()
      const table = newTable(['name', 'text'])
      await inTransaction(lease, tx => ensureMirrorTable(tx, table))
      const rows = '{"id":1,"name":"one"},{"id":2,"name":null},{"id":3,"name":"three"}'
      await write(lease, table, rows)
      const before = await read(table, 'id, xmin::text, _synced_at::text')
      expect(await write(lease, table, rows)).toMatchObject({ inserted: 0, updated: 0, revived: 0 })
      expect(await read(table, 'id, xmin::text, _synced_at::text')).toEqual(before)

      await sql`update ${sql.table(`mirror.${table.name}`)} set _deleted_at = now() where id = 3`.execute(
        app.deps.store,
      )
      const changed = '{"id":1,"name":"one"},{"id":2,"name":"two"},{"id":3,"name":"three"},{"id":4,"name":"four"}'
      expect(await write(lease, table, changed)).toEqual({ inserted: 1, updated: 1, deleted: 0, revived: 1 })
      expect(await read(table, 'id, name, _deleted_at')).toEqual([
        { id: '1', name: 'one', _deleted_at: null },
        { id: '2', name: 'two', _deleted_at: null },
        { id: '3', name: 'three', _deleted_at: null },
        { id: '4', name: 'four', _deleted_at: null },
      ])
      const stamps = await read(table, 'id, _synced_at::text')
      expect(stamps[0]).toEqual({ id: '1', _synced_at: before[0]?._synced_at })
      expect(stamps[1]?._synced_at).not.toBe(before[1]?._synced_at)
    })

    test('gains the columns that its document gained, and refuses a type that changed', async ({
      takeNew,
      inTransaction,
      write,
      read,
    }) => {
      const lease = await takeNew()
      const table = newTable(['name', 'text'])
      const ensure = (changed: MirrorTable) => inTransaction(lease, tx => ensureMirrorTable(tx, changed))
      await ensure(table)
      await ensure(table)
      const column = (name: string, type: string) => ({ name, type, nullable: true })
      const longer = { ...table, columns: [...table.columns, column('size', 'numeric')] }
      await ensure(longer)
      await write(lease, longer, '{"id":1,"name":"one","size":1.50}')
      await ensure(table)
      expect(await read(table, 'name, size::text')).toEqual([{ name: 'one', size: '1.50' }])
      const retyped = { ...table, columns: [...table.columns, column('size', 'bigint')] }
      await expect(ensure(retyped)).rejects.toThrow(RefusalError)
      await expect(ensure(retyped)).rejects.toThrow(
        /Column "size" of mirror\.\S+ is numeric, but the API now has bigint/,
      )
    })

    test('is made once by the runs of several accounts that come at once, and keeps their rows apart', async ({
      takeNew,
      inTransaction,
      write,
      read,
    }) => {
      const table = newTable(['name', 'text'])
      const leases = await Promise.all([takeNew(), takeNew(), takeNew(), takeNew()])
      await Promise.all(leases.map(lease => inTransaction(lease, tx => ensureMirrorTable(tx, table))))
      await Promise.all(leases.map((lease, n) => write(lease, table, `{"id":1,"name":"of ${n}"}`)))
      expect((await read(table, 'name')).map(row => row.name).toSorted()).toEqual(['of 0', 'of 1', 'of 2', 'of 3'])
    })
  })

  test('the schema of mirror tables is made again by the runs that come at once', async ({
    takeNew,
    inTransaction,
    app,
  }) => {
    await sql`drop schema mirror cascade`.execute(app.deps.store)
    const leases = await Promise.all([takeNew(), takeNew(), takeNew(), takeNew()])
    const ensured = await Promise.all(
      leases.map(lease => inTransaction(lease, tx => ensureMirrorTable(tx, newTable(['name', 'text'])))),
    )
    expect(ensured).toEqual(ensured.map(() => expect.objectContaining({ isNew: true })))
  })

  describe('a checkpoint', () => {
    const definition = {
      query: 'Things',
      list: 'things',
      role: 'viewer',
      key: ['id'],
      table: 'things',
      filter: 'print',
    }
    const keyOf = ({ account, job }: Lease): CheckpointKey => ({ account, job, fingerprint: 'print', definition })
    const checkpoint = (high: string | undefined) => ({
      high,
      position: [high ?? '', '1'],
      scanStartedAt: '2026-01-01T00:00:00.000Z',
      scannedAt: undefined,
    })
    const micros = fc
      .integer({ min: 0, max: 5_000_000 })
      .map(n => `2026-01-01T00:00:0${Math.floor(n / 1e6)}.${String(n % 1e6).padStart(6, '0')}+00:00`)
    const cases = [
      ['timestamp with time zone', micros, (text: string) => BigInt(text.slice(17, 19) + text.slice(20, 26))],
      ['bigint', fc.bigInt({ min: 2n ** 53n, max: 2n ** 53n + 9n }).map(String), BigInt],
      ['bigint', fc.bigInt({ min: -20n, max: 2000n }).map(String), BigInt],
    ] as const

    test.for(cases)(
      'of a cursor of type %s: high never decreases',
      async ([type, cursor, toOrder], { takeNew, inTransaction, app }) => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.option(cursor, { nil: undefined }), { minLength: 1, maxLength: 6 }),
            async highs => {
              const lease = await takeNew()
              let highest: string | undefined
              for (const high of highs) {
                await inTransaction(lease, tx => saveCheckpoint(keyOf(lease), checkpoint(high), type)().execute(tx))
                if (high !== undefined && (highest === undefined || toOrder(high) > toOrder(highest))) highest = high
                expect(await findCheckpoint(app.deps.store, keyOf(lease))).toEqual({
                  ...checkpoint(high),
                  high: highest,
                })
              }
            },
          ),
          { numRuns: 15 },
        )
      },
    )

    test('is saved in the statement that writes its rows, which writes neither once the lease is lost', async ({
      takeNew,
      app,
      inTransaction,
      read,
    }) => {
      const lease = await takeNew()
      const { store } = app.deps
      const table = newTable(['title', 'text'])
      await inTransaction(lease, tx => ensureMirrorTable(tx, table))
      const merge = (title: string, high: string) =>
        fencedStatement(
          store,
          lease,
          mergeStatement(
            table,
            lease.account,
            rowsIn(`{"id":1,"title":"${title}"}`),
            saveCheckpoint(keyOf(lease), checkpoint(high), 'bigint'),
          ),
        )
      const written = { inserted: 0, updated: 0, deleted: 0, revived: 0 }
      expect((await merge('first', '1')).rows).toEqual([{ ...written, inserted: 1 }])
      expect((await merge('second', '2')).rows).toEqual([{ ...written, updated: 1 }])
      expect((await merge('second', '3')).rows).toEqual([written])
      await sql`update worker.leases set run_id = null where account = ${lease.account}`.execute(store)
      await expect(merge('third', '4')).rejects.toThrow(LeaseLostError)
      expect(await read(table, 'title')).toEqual([{ title: 'second' }])
      expect(await findCheckpoint(store, keyOf(lease))).toMatchObject({ high: '3' })
    })

    test('that can’t be read is no first run, and one made with another document is refused', async ({
      takeNew,
      app,
      inTransaction,
    }) => {
      const lease = await takeNew()
      const { store } = app.deps
      expect(await findCheckpoint(store, keyOf(lease))).toBeUndefined()
      await inTransaction(lease, tx => saveCheckpoint(keyOf(lease), checkpoint('5'), 'bigint')().execute(tx))
      const other = await findCheckpoint(store, { ...keyOf(lease), fingerprint: 'another' }).catch(
        (error: unknown) => error,
      )
      expect(other).toBeInstanceOf(RefusalError)
      expect(other).toMatchObject({
        code: 'fingerprint',
        scope: 'job',
        message: expect.stringMatching(/was made with another document: .*reset sync-things/),
      })
      // One from before its parts were kept.
      await sql`update worker.checkpoints set definition = null where account = ${lease.account}`.execute(store)
      await expect(findCheckpoint(store, { ...keyOf(lease), fingerprint: 'another' })).rejects.toMatchObject({
        found: 'The checkpoint of sync-things was made with another document, filter, role, key, cursor or table',
      })
      await sql`update worker.checkpoints set position = '{"cursor": 5}' where account = ${lease.account}`.execute(
        store,
      )
      await expect(findCheckpoint(store, keyOf(lease))).rejects.toMatchObject({ code: 'checkpoint' })
    })
  })
})
