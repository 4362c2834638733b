import fc from 'fast-check'
import { parse } from 'graphql'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { payloadOfEvent } from '../../src/pull/payload-of-event.ts'
import type { PullPayload } from '../../src/pull/pull-settings.ts'
import { stores } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'
import { createNumberedTable, expectMirrored, type SourceTable } from '../fixtures/source-table.ts'
import { tableTest } from '../fixtures/table-test.ts'

const test = tableTest
  .extend(
    'pullKeys',
    ({ app, account }) =>
      (table: SourceTable, payload: PullPayload, more: object = {}) =>
        runPull(app, table.pull(), account, { payload, ...more }),
  )
  .extend(
    'scannedAt',
    ({ account, app }) =>
      async (table: SourceTable) =>
        (
          await sql<{ at: string }>`
      select scanned_at as at from worker.checkpoints where account = ${account} and job = ${table.pull().name}`.execute(
            app.deps.store,
          )
        ).rows,
  )

describe.each(stores)('a pull of keys on %s', backend => {
  test.override('backend', backend)

  test('marks rows that no longer exist, writes those that do, and changes neither the rest nor the checkpoint', async ({
    sandbox,
    app,
    account,
    scannedAt,
    pullKeys,
  }) => {
    const table = await createNumberedTable(sandbox, 20)
    await runPull(app, table.pull(), account)
    const before = await scannedAt(table)
    await app.hasura.sql(`delete from ${table.name} where id in (3, 4)`)
    await app.hasura.sql(`update ${table.name} set title = 'older', updated_at = '2020-01-01' where id in (5, 6)`)
    app.hasura.requests.length = 0
    expect(await pullKeys(table, { keys: [['3'], ['5'], ['999']] })).toMatchObject({
      counts: { deleted: 1, updated: 1, inserted: 0, read: 1 },
    })
    expect(await scannedAt(table)).toEqual(before)
    await pullKeys(table, { keys: [['4'], ['6']] })
    await expectMirrored(app, table, account)
  })

  test('revives a row that is there again, and changes nothing in a dry run', async ({
    sandbox,
    app,
    account,
    pullKeys,
  }) => {
    const table = await createNumberedTable(sandbox, 3)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`delete from ${table.name} where id = 2`)
    expect(await pullKeys(table, { keys: [['2']] }, { dryRun: true })).toMatchObject({ counts: { deleted: 1 } })
    expect(await pullKeys(table, { keys: [['2']] })).toMatchObject({ counts: { deleted: 1 } })
    await app.hasura.sql(`insert into ${table.name} (id, title, updated_at) values (2, 'back', '2020-01-01')`)
    expect(await pullKeys(table, { keys: [['2']] })).toMatchObject({ counts: { revived: 1 } })
    await expectMirrored(app, table, account)
  })

  test('also scans and sweeps once the sweep is due, because events may be the only runs', async ({
    sandbox,
    app,
    account,
    pullKeys,
  }) => {
    const table = await createNumberedTable(sandbox, 10)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`delete from ${table.name} where id in (3, 4)`)
    await sql`update worker.checkpoints set swept_at = now() - interval '25 hours' where job = ${table.pull().name}`.execute(
      app.deps.store,
    )
    expect(await pullKeys(table, { keys: [['3']] })).toMatchObject({ counts: { deleted: 2 } })
    await expectMirrored(app, table, account)
  })

  test('reads everything where nothing was read before', async ({ sandbox, pullKeys, app, account }) => {
    const table = await createNumberedTable(sandbox, 5)
    expect(await pullKeys(table, { keys: [['2']] })).toMatchObject({ counts: { inserted: 5 } })
    await expectMirrored(app, table, account)
  })

  test('finds a row that changed without its cursor, also in a run that compares all keys or resumes a load', async ({
    sandbox,
    app,
    account,
  }) => {
    const table = await createNumberedTable(sandbox, 40)
    const job = table.pull({ pageSize: 10, ranges: 1 })
    const pullChanged = async () => {
      await app.hasura.sql(`update ${table.name} set title = title || '!' where id = 1`)
      await runPull(app, job, account, { payload: { keys: [['1']] } })
      await expectMirrored(app, table, account)
    }
    app.hasura.fault(
      { operationName: `Pull_${table.name}`, after: 2, times: 1 },
      { kind: 'graphql-error', code: 'validation-failed', message: 'no' },
    )
    await expect(runPull(app, job, account)).rejects.toThrow('validation-failed')
    await pullChanged()
    // As the deletion guard leaves it.
    await sql`update worker.checkpoints set swept_at = null where job = ${job.name}`.execute(app.deps.store)
    await pullChanged()
  })

  test('marks a row that an update has taken out of the filter', async ({ sandbox, app, account }) => {
    const table = await createNumberedTable(sandbox, 3)
    const job = table.pull({ where: { title: { _neq: 'draft' } } })
    await runPull(app, job, account)
    await app.hasura.sql(`update ${table.name} set title = 'draft', updated_at = now() where id = 2`)
    expect(await runPull(app, job, account)).toMatchObject({ counts: { deleted: 0 } })
    const payload = job.payloadOfEvent?.({ operation: 'UPDATE', old: { id: 2 }, new: { id: 2 } }, false)
    expect(await runPull(app, job, account, { payload: { ...payload } })).toMatchObject({ counts: { deleted: 1 } })
  })

  test('is held when more is gone than the deletion guard allows', async ({ sandbox, app, account, pullKeys }) => {
    const table = await createNumberedTable(sandbox, 20)
    await runPull(app, table.pull(), account)
    await app.hasura.sql(`delete from ${table.name} where id <= 11`)
    const keys = Array.from({ length: 11 }, (_, at) => [String(at + 1)])
    await expect(pullKeys(table, { keys })).rejects.toMatchObject({ code: 'deletion-guard' })
    // Which rows are missing is more than these keys can tell: the next run compares all of them.
    await expect(pullKeys(table, { keys: keys.slice(1) })).rejects.toMatchObject({ code: 'deletion-guard' })
    const recorded = await app.deps.store
      .selectFrom('worker.missing_rows')
      .select(['here', 'missing', 'keys'])
      .execute()
    expect(recorded).toEqual([{ here: '20', missing: '11', keys }])
    await app.hasura.sql(`insert into ${table.name} (id, title) values (1, 'back')`)
    expect(await pullKeys(table, { keys: keys.slice(1) })).toMatchObject({ counts: { deleted: 10 } })
    expect(await app.deps.store.selectFrom('worker.missing_rows').execute()).toEqual([])
  })

  test('asks for many long keys in queries that firewalls let through', async ({ sandbox, app, account, pullKeys }) => {
    const table = await sandbox.createTable({
      key: ['a', 'b'],
      columns: 'a uuid, b uuid, title text, updated_at timestamptz not null default now(), primary key (a, b)',
    })
    await app.hasura.sql(
      `insert into ${table.name} select gen_random_uuid(), gen_random_uuid() from generate_series(1, 900)`,
    )
    await runPull(app, table.pull(), account)
    const rows = await app.hasura.sql(
      `delete from ${table.name} where ctid in (select ctid from ${table.name} limit 200) returning a, b`,
    )
    app.hasura.requests.length = 0
    const keys = rows.map(({ a, b }) => [String(a), String(b)])
    expect(await pullKeys(table, { keys })).toMatchObject({ counts: { deleted: 200 } })
    expect(Math.max(...app.hasura.requests.map(({ variables }) => JSON.stringify(variables).length))).toBeLessThan(
      6_000,
    )
    await expectMirrored(app, table, account)
  })

  test('says how many values a key has', async ({ sandbox, app, account, pullKeys }) => {
    const table = await createNumberedTable(sandbox, 2)
    await runPull(app, table.pull(), account)
    await expect(pullKeys(table, { keys: [['1', '2']] })).rejects.toThrow(/has 1 value/)
  })
})

describe('what an event asks for', () => {
  const document = parse('query Things { things { a b c id: public_id note: id } }')
  const row = fc.record({ a: fc.constantFrom('1', '2'), b: fc.constantFrom(1, 2), c: fc.string() })

  test('finds each row that the event tells of: by a scan, by its keys or by a read of everything', () => {
    fc.assert(
      fc.property(
        fc.option(row, { nil: undefined }),
        fc.option(row, { nil: undefined }),
        fc.boolean(),
        fc.constantFrom(undefined, {}, { c: { _eq: 'published' } }),
        fc.boolean(),
        (old, new_, hasCursor, fixedWhere, isCrowded) => {
          const settings = { document, key: ['a', 'b'], cursor: hasCursor ? 'c' : undefined, fixedWhere }
          const payload = payloadOfEvent(settings, { operation: 'UPDATE', old, new: new_ }, isCrowded)
          const keyOf = (given: { a: string; b: number }) => JSON.stringify([given.a, String(given.b)])
          const mayBeExcluded = !isCrowded && (fixedWhere === undefined || 'c' in fixedWhere)
          const finds = (given: { a: string; b: number }, isNew: boolean) =>
            payload.sweep === true ||
            payload.keys?.some(key => JSON.stringify(key) === keyOf(given)) ||
            // A scan finds what is there, and without a cursor a usual run reads everything.
            (Object.keys(payload).length === 0 &&
              (isNew || !hasCursor || (new_ !== undefined && keyOf(new_) === keyOf(given) && !mayBeExcluded)))
          for (const [given, isNew] of [
            [old, false],
            [new_, true],
          ] as const) {
            if (given) expect(finds(given, isNew)).toBe(true)
          }
          expect(isCrowded && payload.keys !== undefined).toBe(false)
        },
      ),
    )
  })

  test.each([
    ['a column that has another name in the API', { key: 7 }],
    ['null', { a: null }],
    ['an object', { a: { b: 1 } }],
    ['what is inherited', Object.create({ a: '7' })],
  ])('reads everything where a key is %s', (_what, old) => {
    const event = { operation: 'DELETE', old, new: undefined } as const
    expect(payloadOfEvent({ document, key: ['a'], cursor: 'c', fixedWhere: {} }, event, false)).toEqual({ sweep: true })
    expect(payloadOfEvent({ document, key: ['a'], cursor: undefined, fixedWhere: {} }, event, false)).toEqual({})
    const update = { operation: 'UPDATE', old, new: old } as const
    expect(payloadOfEvent({ document, key: ['a'], cursor: 'c', fixedWhere: undefined }, update, false)).toEqual({})
  })

  test('is the key by the column’s name where the naming convention makes another of it', () => {
    const orders = parse('query Orders { orders { orderId lineNo1: lineNo } }')
    const given = { document: orders, key: ['orderId', 'lineNo1'], cursor: 'c', fixedWhere: {} }
    const event = { operation: 'DELETE', old: { order_id: 17, line_no: 2 }, new: undefined } as const
    expect(payloadOfEvent(given, event, false)).toEqual({ keys: [['17', '2']] })
  })

  test('is the key by its own name where the document gives it another, even that of another column', () => {
    const event = { operation: 'DELETE', old: { id: 17, public_id: 'c0' }, new: undefined } as const
    expect(payloadOfEvent({ document, key: ['id'], cursor: 'c', fixedWhere: {} }, event, false)).toEqual({
      keys: [['c0']],
    })
    expect(payloadOfEvent({ document, key: ['note'], cursor: 'c', fixedWhere: {} }, event, false)).toEqual({
      keys: [['17']],
    })
  })
})
