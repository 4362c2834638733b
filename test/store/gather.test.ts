import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { TransientError } from '../../src/errors.ts'
import { sqlStateOf } from '../../src/failures/sql-state.ts'
import { callEach, gather, NoJsonError } from '../../src/store/gather.ts'
import type { Store } from '../../src/store/store.ts'
import { type Lines, openLines, stores } from '../fixtures/open-lines.ts'

interface Asked {
  readonly name: string
  readonly number: string
  /** Rows of the answer. */
  readonly rows?: number
}

interface Row {
  readonly transaction: string
  readonly name: string
}

const writeEach = callEach(
  sql`name text, number text, rows integer`,
  sql`gathered.write(given.name, given.number::integer, given.rows)`,
)
const write = gather<Asked, Row>({
  answers: writeEach,
  columns: sql`answer.transaction, answer.name`,
  orderOf: ({ name }) => name,
})

describe.each(stores)('calls made at the same time on %s', backend => {
  let fixture: Lines
  let store: Store
  beforeAll(async () => {
    fixture = await openLines(backend)
    store = fixture.store
    for (const statement of [
      'create schema gathered',
      'create table gathered.written (name text primary key, number integer not null)',
      `create function gathered.write(p_name text, p_number integer, p_rows integer)
       returns table (transaction text, name text) language plpgsql as $$
       begin
         insert into gathered.written values (p_name, p_number)
         on conflict on constraint written_pkey do update set number = excluded.number;
         return query select pg_current_xact_id()::text, p_name from generate_series(1, coalesce(p_rows, 1));
       end $$`,
    ]) {
      await sql.raw(statement).execute(store)
    }
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  const written = async (name: string) =>
    (await sql<{ number: number }>`select number from gathered.written where name = ${name}`.execute(store)).rows[0]
      ?.number

  test('share two transactions evenly, and each is answered with the rows of its own', async () => {
    const names = Array.from({ length: 50 }, (_, n) => `shared-${n}`)
    const answers = await Promise.all(names.map((name, n) => write(store, { name, number: `${n}`, rows: n % 3 })))
    expect(answers.map(rows => rows.map(row => row.name))).toEqual(
      names.map((name, n) => Array.from({ length: n % 3 }, () => name)),
    )
    expect(new Set(answers.flat().map(row => row.transaction)).size).toBe(2)
    expect(await written('shared-3')).toBe(3)
  })

  test('share one transaction when they are few', async () => {
    const names = Array.from({ length: 8 }, (_, n) => `few-${n}`)
    const ask = () => Promise.all(names.map(name => write(store, { name, number: '1' })))
    for (const answers of [await ask(), await ask()]) {
      expect(new Set(answers.flat().map(row => row.transaction)).size).toBe(1)
    }
  })

  test('are more than one exchange takes: nothing is left', async () => {
    const names = Array.from({ length: 450 }, (_, n) => `many-${n}`)
    const answers = await Promise.all(names.map(name => write(store, { name, number: '1' })))
    expect(answers.map(([row]) => row?.name)).toEqual(names)
  })

  test('and one of a bad value: only this one fails, with its own error', async () => {
    const answers = await Promise.allSettled([
      write(store, { name: 'good', number: '1' }),
      write(store, { name: 'bad', number: 'no number' }),
      write(store, { name: 'good as well', number: '2' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(answers.flatMap(answer => (answer.status === 'rejected' ? [sqlStateOf(answer.reason)] : []))).toEqual([
      '22P02',
    ])
    expect([await written('good'), await written('bad'), await written('good as well')]).toEqual([1, undefined, 2])
  })

  test('and one of a value that JSON lacks: only this one fails', async () => {
    const answers = await Promise.allSettled([
      write(store, { name: 'with JSON', number: '1' }),
      write(store, z.custom<Asked>().parse({ name: 'without', number: 5n })),
      write(store, { name: 'with JSON as well', number: '2' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(answers[1]).toMatchObject({ reason: expect.any(NoJsonError) })
  })

  test('fail together while the store is down, instead of one round trip after the other', async () => {
    const failing = Promise.withResolvers<never>()
    let statements = 0
    const down = store.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult() {
        statements += 1
        return failing.promise
      },
    })
    const asked = Array.from({ length: 20 }, (_, n) => write(down, { name: `down-early-${n}`, number: '1' }))
    await expect.poll(() => statements).toBe(2)
    const late = ['down-4', 'down-5'].map(name => write(down, { name, number: '1' }))
    failing.reject(new TransientError('store', 'Postgres does not answer'))
    const answers = await Promise.allSettled([...asked, ...late])
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 'rejected'))
    expect(statements).toBe(2)
  })

  test('go on while only one connection is dead', async () => {
    const dead = Promise.withResolvers<never>()
    let statements = 0
    const partly = store.withPlugin({
      transformQuery: ({ node }) => node,
      transformResult({ result }) {
        statements += 1
        return statements === 1 ? dead.promise : Promise.resolve(result)
      },
    })
    const first = write(partly, { name: 'dead', number: '1' })
    await expect.poll(() => statements).toBe(1)
    await write(partly, { name: 'alive', number: '1' })
    const others = ['alive-1', 'alive-2'].map(name => write(partly, { name, number: '1' }))
    dead.reject(new TransientError('store', 'Postgres does not answer'))
    await expect(first).rejects.toThrow('Postgres does not answer')
    expect((await Promise.all(others)).map(([row]) => row?.name)).toEqual(['alive-1', 'alive-2'])
  })

  test.skipIf(backend === 'embedded')('and one waits for a lock: the others do not wait for it', async () => {
    await write(store, { name: 'locked', number: '1' })
    const holding = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    const transaction = store.transaction().execute(async tx => {
      await sql`select from gathered.written where name = 'locked' for update`.execute(tx)
      held.resolve()
      await holding.promise
    })
    await held.promise
    const waiting = [write(store, { name: 'locked', number: '2' }), write(store, { name: 'locked', number: '2' })]
    await write(store, { name: 'free', number: '1' })
    await Promise.all(Array.from({ length: 5 }, (_, n) => write(store, { name: `free-${n}`, number: '1' })))
    expect(await written('locked')).toBe(1)
    holding.resolve()
    await transaction
    await Promise.all(waiting)
    expect(await written('locked')).toBe(2)
  })

  test.skipIf(backend === 'embedded')(
    'and one waits too long for a lock: it is told so, not that no answer came',
    async () => {
      await write(store, { name: 'kept', number: '1' })
      const waited = Promise.withResolvers<void>()
      const held = Promise.withResolvers<void>()
      const transaction = store.transaction().execute(async tx => {
        await sql`set local idle_in_transaction_session_timeout = 0`.execute(tx)
        await sql`select from gathered.written where name = 'kept' for update`.execute(tx)
        held.resolve()
        await waited.promise
      })
      await held.promise
      const [refused] = await Promise.allSettled([write(store, { name: 'kept', number: '2' })])
      waited.resolve()
      await transaction
      expect(refused.status === 'rejected' && String(refused.reason)).toContain('a lock that another session holds')
    },
  )

  test('asked for in opposite orders by two processes end, all of them', async () => {
    const other = gather<Asked, Row>({ answers: writeEach, columns: sql`answer.transaction, answer.name` })
    const names = Array.from({ length: 60 }, (_, n) => `crossed-${n}`)
    const answers = await Promise.all([
      ...names.map(name => write(store, { name, number: '1' })),
      ...names.toReversed().map(name => other(store, { name, number: '2' })),
    ])
    expect(answers.every(rows => rows.length === 1)).toBe(true)
  })
})
