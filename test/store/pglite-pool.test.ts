import { PGlite } from '@electric-sql/pglite'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { PGlitePool } from '../../src/store/pglite-pool.ts'

describe('a PGlite in the shape of a pool', () => {
  let pool: PGlitePool
  /** One statement on a client of its own. */
  async function query<R>(text: string, values?: readonly unknown[], from = pool) {
    const client = await from.connect()
    try {
      return await client.query<R>(text, values)
    } finally {
      client.release()
    }
  }
  beforeAll(async () => {
    pool = new PGlitePool(await PGlite.create())
    await query('create table notes (id int generated always as identity, text text not null)')
  })
  beforeEach(async () => {
    await query('truncate notes')
  })
  afterAll(() => pool.end())

  const add = 'insert into notes (text) values ($1)'
  const texts = async () => {
    const { rows } = await query<{ text: string }>('select text from notes order by id')
    return rows.map(({ text }) => text)
  }

  test('answers with rows and with the number of rows that changed', async () => {
    expect(await query(add, ['one'])).toMatchObject({ rowCount: 1, rows: [] })
    expect(await query('select text from notes')).toMatchObject({ rowCount: 1, rows: [{ text: 'one' }] })
    expect(await query('update notes set text = text where false')).toMatchObject({ rowCount: 0 })
  })

  test('a transaction never swallows a stranger’s statement', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await client.query(add, ['inside'])
    const outside = query(add, ['outside'])
    await client.query('rollback')
    client.release()
    await outside
    expect(await texts()).toEqual(['outside'])
  })

  test('a client that is released in the middle of a transaction leaves nothing of it', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await client.query(add, ['forgotten'])
    client.release()
    expect(await texts()).toEqual([])
  })

  test('a transaction in which a statement failed is rolled back at its end, and the next one works', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await client.query(add, ['before'])
    await expect(client.query('select * from no_such_table')).rejects.toThrow('no_such_table')
    await client.query('commit').catch(() => {})
    await client.query('begin')
    await client.query(add, ['after'])
    await client.query('commit')
    client.release()
    expect(await texts()).toEqual(['after'])
  })

  test('a savepoint can be rolled back to without ending the transaction', async () => {
    const client = await pool.connect()
    await client.query('begin')
    await client.query(add, ['kept'])
    await client.query('savepoint here')
    await client.query(add, ['undone'])
    await client.query('rollback to savepoint here')
    await client.query('commit')
    client.release()
    expect(await texts()).toEqual(['kept'])
  })

  test('transactions of many clients follow one another whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ statements: fc.integer({ min: 1, max: 4 }), commit: fc.boolean() }), { maxLength: 8 }),
        async plans => {
          await query('truncate notes')
          await Promise.all(
            plans.map(async ({ statements, commit }, number) => {
              const client = await pool.connect()
              await client.query('start transaction')
              for (let n = 0; n < statements; n += 1) await client.query(add, [`${number}`])
              await client.query(commit ? 'commit' : 'rollback')
              client.release()
            }),
          )
          const expected = plans.flatMap(({ statements, commit }, number) =>
            commit ? Array.from({ length: statements }, () => `${number}`) : [],
          )
          const found = await texts()
          expect(found.toSorted()).toEqual(expected.toSorted())
          // One after the other: the notes of one transaction lie together.
          expect(found.filter((text, index) => text !== found[index - 1])).toHaveLength(new Set(expected).size)
        },
      ),
      { numRuns: 25 },
    )
  })

  test('timers get their turn while statements follow one another, also when each of them fails', async () => {
    let ended = false
    setTimeout(() => {
      ended = true
    }, 5)
    let failures = 0
    while (!ended && failures < 100_000) await query('select * from no_such_table').catch(() => (failures += 1))
    expect(ended).toBe(true)
  })

  test('a client that is released after the database was closed brings nothing down', async () => {
    const other = new PGlitePool(await PGlite.create())
    const client = await other.connect()
    await client.query('begin')
    const closed = other.end()
    client.release()
    await closed
    await expect(query('select 1', [], other)).rejects.toThrow('closed')
  })
})
