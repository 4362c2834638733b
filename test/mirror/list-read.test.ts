import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { LeaseLostError, PermanentError } from '../../src/errors.ts'
import { openListRead, totalOf } from '../../src/mirror/list-read.ts'
import { mirrorRows } from '../../src/mirror/mirror-rows.ts'
import { fencedTransaction, type Lease } from '../../src/runs/lease.ts'
import { systemClock } from '../../src/time/clock.ts'
import { appTest } from '../fixtures/app-test.ts'
import { stores } from '../fixtures/open-test-app.ts'
import { endLine, takeLine } from '../fixtures/take-line.ts'

const everything = () => Promise.resolve(true)

/** Two columns are the key: one that Postgres writes in its own way, and one that may hold anything. */
function defineTable() {
  return mirrorRows({
    into: `things_${randomUUID().replaceAll('-', '')}`,
    key: ['id', 'name'],
    columns: { id: 'uuid', name: 'text', count: 'bigint', at: 'timestamp with time zone', data: 'jsonb' },
  })
}

const upper = 'ABCDEF00-0000-4000-8000-000000000001'
const nothing = { count: null, at: null, data: null }

/** Names that the type of the columns would refuse already. */
const named = (names: readonly string[]) =>
  JSON.parse(JSON.stringify(Object.fromEntries(names.map(name => [name, 'text']))))

const test = appTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })
  .extend('contextOf', ({ app }) => (lease: Lease, signal = new AbortController().signal) => ({
    signal,
    clock: systemClock,
    pageWritten() {},
    transaction: <T>(work: Parameters<typeof fencedTransaction<T>>[2]) =>
      fencedTransaction(app.deps.store, lease, work),
  }))
  .extend('open', ({ app, contextOf }) => async (account = `account-${randomUUID()}`) => {
    const job = `sync-${randomUUID()}`
    const lease = await takeLine(app.deps, account, job)
    return { account, lease, ...contextOf(lease) }
  })
  .extend('rowsOf', ({ app }) => async (into: string, account: string) => {
    const { rows } = await sql<Record<string, unknown>>`
      select id::text, name, count::text, (at at time zone 'UTC')::text as at, data::text, _deleted_at is not null as deleted
      from ${sql.table(`mirror.${into}`)} where _account = ${account} order by id, name`.execute(app.deps.store)
    return rows
  })

test.each([
  ['a.b', 'x', /the name contains a dot/],
  ['', 'x', /the name is empty/],
  ['t'.repeat(64), 'x', /longer than 63 bytes/],
  ['things', 'xmin', /"xmin" has the name of a Postgres system column/],
  ['things', 'n'.repeat(64), /longer than 63 bytes/],
  ['things', 'a"b', /a quote/],
  ['things', 'line\nbreak', /invisible character/],
  ['things', 'zero\u200bwidth', /invisible character/],
  ['things', '', /is empty/],
])('a table %j with column %j is refused where it is defined', (into, column, words) => {
  expect(() => mirrorRows({ into, key: 'id', columns: named(['id', column]) })).toThrow(words)
})

test('so is one without a key, or of too many columns', () => {
  expect(() => mirrorRows({ into: 'things', key: [], columns: { id: 'uuid' } })).toThrow('there is no key')
  const many = named(Array.from({ length: 1600 }, (_, n) => `c${n}`))
  expect(() => mirrorRows({ into: 'things', key: 'c0', columns: many })).toThrow('at most 1595')
})

describe.each(stores)('a complete read on %s', backend => {
  test.override('backend', backend)

  test('ends with what a row has that the table can’t hold', async ({ open }) => {
    const table = defineTable()
    const { account, ...context } = await open()
    const read = await openListRead(table, account, context)
    const row = { ...nothing, id: upper, name: 'one' }
    const refusalOf = (wrong: object) => read.write([{ ...row, ...wrong }]).catch((error: unknown) => error)
    for (const [wrong, words] of [
      [{ count: '9223372036854775808' }, /A number is too large for column "count" of mirror\..*bigint.*22003/],
      [{ at: 'canary' }, /A date or time is invalid for column "at" of.*22007/],
      [{ id: 'canary' }, /A value doesn't fit column "id" of.*22P02/],
      [{ name: Array.from({ length: 400 }, () => randomUUID()).join('') }, /value of the key \("id", "name"\).*2,704/],
    ] as const) {
      const refusal = await refusalOf(wrong)
      expect(refusal).toMatchObject({ name: 'PermanentError', code: 'mirror-row', found: expect.stringMatching(words) })
      expect(String(refusal)).not.toMatch(/canary|document|schema pull/)
    }
  })

  test('writes only what has changed, in the types of the columns, and counts it', async ({ open, rowsOf }) => {
    const table = defineTable()
    const { account, ...context } = await open()
    const rows = [
      {
        id: upper,
        name: 'a "quoted" ünïcode',
        count: '9007199254740993',
        at: '2026-01-01T00:00:00.123456Z',
        data: [1],
      },
      { id: upper, name: 'b', ...nothing },
    ]
    const first = await openListRead(table, account, context)
    await first.write(rows.slice(0, 1))
    await first.write(rows.slice(1))
    await first.finish(everything)
    expect(first.counts).toMatchObject({ read: 2, inserted: 2, updated: 0, unchanged: 0, deleted: 0 })
    expect(await rowsOf(table.into, account)).toEqual([
      {
        ...{ id: upper.toLowerCase(), name: 'a "quoted" ünïcode', count: '9007199254740993' },
        ...{ at: '2026-01-01 00:00:00.123456', data: '[1]', deleted: false },
      },
      { id: upper.toLowerCase(), name: 'b', ...nothing, deleted: false },
    ])
    const second = await openListRead(table, account, context)
    await second.write(rows.map(row => ({ ...row, id: row.id.toLowerCase(), data: row.name === 'b' ? {} : row.data })))
    await second.finish(everything)
    expect(second.counts).toMatchObject({ read: 2, inserted: 0, updated: 1, unchanged: 1, deleted: 0 })
  })

  test('takes a row that comes twice, on one page or on two, as it came last, however its key is written', async ({
    open,
    rowsOf,
  }) => {
    const table = defineTable()
    const { account, ...context } = await open()
    const read = await openListRead(table, account, context)
    await read.write([
      { id: upper, name: 'a', ...nothing, count: 1 },
      { id: upper.toLowerCase(), name: 'a', ...nothing, count: 2 },
    ])
    expect(await rowsOf(table.into, account)).toMatchObject([{ count: '2' }])
    await read.write([{ id: upper, name: 'a', ...nothing, count: 3 }])
    await read.finish(everything)
    expect(await rowsOf(table.into, account)).toMatchObject([{ count: '3', deleted: false }])
  })

  test('marks what no page had and the API does not know, only of this account, once', async ({ open, rowsOf }) => {
    const table = defineTable()
    const names = ['a', 'b', 'c', 'd']
    const [one, other] = [await open(), await open()]
    for (const { account, ...context } of [one, other]) {
      const read = await openListRead(table, account, context)
      await read.write(names.map(name => ({ id: upper, name, ...nothing })))
      await read.finish(everything)
    }
    const asked: unknown[] = []
    const again = await openListRead(table, one.account, one)
    await again.write([{ id: upper, name: 'a', ...nothing }])
    await again.finish(async key => {
      asked.push(key)
      return key[1] !== 'c'
    })
    expect(asked).toEqual(['b', 'c', 'd'].map(name => [upper.toLowerCase(), name]))
    expect(again.counts).toMatchObject({ deleted: 2 })
    const deleted = async (account: string) =>
      (await rowsOf(table.into, account)).filter(row => row.deleted).map(({ name }) => name)
    expect(await deleted(one.account)).toEqual(['b', 'd'])
    expect(await deleted(other.account)).toEqual([])

    const third = await openListRead(table, one.account, one)
    await third.write(['a', 'b', 'c'].map(name => ({ id: upper, name, ...nothing })))
    await third.finish(() => expect.fail('nothing that is marked already is asked for'))
    expect(third.counts).toMatchObject({ updated: 0, revived: 1, unchanged: 2, deleted: 0 })
    expect(await deleted(one.account)).toEqual(['d'])
  })

  test('marks every row when the list is empty', async ({ open }) => {
    const table = defineTable()
    const { account, ...context } = await open()
    const read = await openListRead(table, account, context)
    await read.write([{ id: upper, name: 'a', ...nothing }])
    const empty = await openListRead(table, account, context)
    await empty.finish(everything)
    expect(empty.counts).toMatchObject({ read: 0, inserted: 0, updated: 0, unchanged: 0, deleted: 1 })
  })

  test('marks nothing when the API cannot say what is gone', async ({ open, rowsOf }) => {
    const table = defineTable()
    const { account, ...context } = await open()
    const read = await openListRead(table, account, context)
    await read.write(['a', 'b'].map(name => ({ id: upper, name, ...nothing })))
    const broken = await openListRead(table, account, context)
    await expect(
      broken.finish(async ([, name]) => {
        if (name === 'a') return true
        throw new PermanentError('forbidden', 'not now')
      }),
    ).rejects.toThrow('not now')
    expect((await rowsOf(table.into, account)).map(row => row.deleted)).toEqual([false, false])
  })

  test('writes and marks nothing once another run has taken over, nor after it was aborted', async ({
    open,
    app,
    rowsOf,
  }) => {
    const table = defineTable()
    const { account, lease, ...context } = await open()
    const read = await openListRead(table, account, context)
    await read.write([{ id: upper, name: 'a', ...nothing }])
    const stale = await openListRead(table, account, context)
    await endLine(app.deps, lease)
    await takeLine(app.deps, account, lease.job)
    await expect(stale.write([{ id: upper, name: 'b', ...nothing }])).rejects.toBeInstanceOf(LeaseLostError)
    await expect(stale.finish(everything)).rejects.toBeInstanceOf(LeaseLostError)
    expect(await rowsOf(table.into, account)).toMatchObject([{ name: 'a', deleted: false }])

    const aborted = await openListRead(table, account, { ...(await open(account)), signal: AbortSignal.abort() })
    await expect(aborted.write([])).rejects.toThrow(/abort/i)
  })
})

test('the counts of several tables are added', () => {
  const counts = { read: 1, inserted: 2, updated: 3, unchanged: 4, deleted: 5, revived: 6 }
  expect(totalOf(counts, counts)).toEqual({ read: 2, inserted: 4, updated: 6, unchanged: 8, deleted: 10, revived: 12 })
})
