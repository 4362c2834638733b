import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { endRun } from '../../src/runs/end-run.ts'
import { acceptRequest } from '../../src/runs/requests.ts'
import { again, type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('accepting a request on %s', backend => {
  let fixture: Lines
  beforeAll(async () => {
    fixture = await openLines(backend)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  test('an equal request that waits absorbs another, whatever the order of its fields', async () => {
    const line = newLine()
    const first = await fixture.accept(request(line, { payload: { a: 1, b: { c: [1, 2], d: null } } }))
    const second = await fixture.accept(request(line, { payload: { b: { d: null, c: [1, 2] }, a: 1 } }))
    expect(second).toEqual({ id: first.id, absorbed: true })
    expect((await fixture.accept(request(line, { payload: { a: 2 } }))).absorbed).toBe(false)
    expect((await fixture.accept(request(newLine(), { payload: { a: 1 } }))).absorbed).toBe(false)
  })

  test('requests made at the same time: the first of equal ones absorbs the others, and no other one', async () => {
    const line = newLine()
    const others = newLine()
    const wanted = Array.from({ length: 60 }, (_, n) =>
      request(n % 4 === 3 ? others : line, { payload: { n: n % 6 }, priority: n < 30 ? 'low' : 'normal' }),
    )
    const accepted = await Promise.all(wanted.map(each => fixture.accept(each)))
    const byPayload = Map.groupBy(accepted, (_each, n) => `${wanted[n]?.account}/${wanted[n]?.job} ${n % 6}`)
    expect(new Set(accepted.map(({ id }) => id)).size).toBe(byPayload.size)
    for (const equal of byPayload.values()) {
      expect(new Set(equal.map(({ id }) => id)).size).toBe(1)
      expect(equal.filter(({ absorbed }) => !absorbed)).toHaveLength(1)
    }
    const { rows } = await sql<{ payload: unknown; priority: string }>`
      select payload, priority from worker.requests where account = ${line.account} and job = ${line.job} order by payload`.execute(
      fixture.store,
    )
    expect(rows).toEqual([0, 1, 2, 3, 4, 5].map(n => ({ payload: { n }, priority: 'normal' })))
  })

  test('and one of them cannot be stored: the others are accepted', async () => {
    const line = newLine()
    const outcomes = await Promise.allSettled(
      [{ n: 1 }, { text: 'a\u0000b' }, { n: 1 }].map(payload => fixture.accept(request(line, { payload }))),
    )
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
  })

  test('absorbing stops at the claim: what is asked for during a run becomes exactly one more', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    const first = await fixture.accept(request(line))
    await fixture.claim(line, processId)
    const second = await fixture.accept(request(line))
    const third = await fixture.accept(request(line))
    expect(second).toMatchObject({ absorbed: false })
    expect(third).toEqual({ id: second.id, absorbed: true })
    expect(second.id).not.toBe(first.id)
  })

  test('a more urgent one moves its line forward and shortens the back-off; an equal one does not', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    const { id } = await fixture.accept(request(line, { priority: 'low' }))
    const run = await fixture.claim(line, processId)
    await endRun(fixture.store, run.lease.runId, again())
    await fixture.accept(request(line))
    expect(await fixture.stateOf(id)).toMatchObject({ state: 'waiting', ready: false })
    const other = await fixture.accept(request(line, { payload: { other: true } }))
    await fixture.accept(request(line, { priority: 'high' }))
    expect(await fixture.stateOf(id)).toMatchObject({ ready: true, failures: 1 })
    expect((await fixture.claim(line, processId)).requestId).toBe(id)
    expect(await fixture.stateOf(other.id)).toMatchObject({ state: 'waiting' })
  })

  test('a key makes one request for its caller, and another payload under it is a conflict', async () => {
    const line = newLine()
    const keyed = (payload: object, caller = 'one') =>
      acceptRequest(fixture.store, request(line, { payload, caller, idempotencyKey: 'k' }))
    const all = await Promise.all(Array.from({ length: 6 }, (_, n) => keyed({ n: n % 2 })))
    const winners = all.filter(answer => !answer.conflict)
    expect(new Set(winners.map(answer => answer.id)).size).toBe(1)
    expect(winners).toHaveLength(3)
    expect((await keyed({ n: 7 }, 'two')).conflict).toBe(false)
    const rows = await fixture.store
      .selectFrom('worker.requests')
      .select('id')
      .where('account', '=', line.account)
      .execute()
    expect(rows).toHaveLength(2)
  })

  test('a key stands for the request that absorbed it, and is gone with it', async () => {
    const line = newLine()
    const first = await fixture.accept(request(line))
    const keyed = await fixture.accept(request(line, { idempotencyKey: 'k' }))
    expect(keyed).toEqual({ id: first.id, absorbed: true })
    await fixture.store.deleteFrom('worker.requests').where('id', '=', first.id).execute()
    expect((await fixture.accept(request(line, { idempotencyKey: 'k' }))).absorbed).toBe(false)
  })

  test.runIf(backend === 'postgres')(
    'one that somebody makes in an open transaction is not absorbed by a run that begins before',
    async () => {
      const line = newLine()
      const processId = await fixture.newProcess()
      const waiting = await fixture.accept(request(line))
      const later = await fixture.store.transaction().execute(async tx => {
        await sql`select id from worker.request(${line.job}, ${line.account}) as id`.execute(tx)
        // The waiting one is locked by this transaction until its commit.
        expect(await fixture.tryClaim(line, processId)).toBe('empty')
        return waiting.id
      })
      expect((await fixture.claim(line, processId)).requestId).toBe(later)
    },
  )

  test('by SQL: the caller is the database user, and a wrong priority is refused', async () => {
    const line = newLine()
    const { rows } = await sql<{ id: string }>`
      select worker.request(job => ${line.job}, account => ${line.account}, payload => '{"x": 1}', idempotency_key => 'k') as id`.execute(
      fixture.store,
    )
    const row = await fixture.store
      .selectFrom('worker.requests')
      .selectAll()
      .where('id', '=', rows[0]?.id ?? '')
      .executeTakeFirstOrThrow()
    expect(row).toMatchObject({ trigger: 'sql', payload: { x: 1 }, caller: expect.stringMatching(/^sql:./) })
    await expect(sql`select worker.request('j', 'a', '{}', 'urgent')`.execute(fixture.store)).rejects.toThrow(
      /not one of high, normal, low/,
    )
  })

  test('by SQL: no priority is a normal one, and an empty key is refused', async () => {
    const line = newLine()
    const ask = (key: string | null) =>
      sql`select worker.request(${line.job}, ${line.account}, '{}', null, ${key})`.execute(fixture.store)
    await ask(null)
    const priority = fixture.store.selectFrom('worker.requests').select('priority').where('account', '=', line.account)
    expect(await priority.execute()).toEqual([{ priority: 'normal' }])
    await expect(ask('')).rejects.toMatchObject({
      message: 'an idempotency key has at least one character',
      hint: 'Pass null for a request without a key.',
    })
  })

  test('by SQL: an integer that JavaScript would round reaches the job as text, with all digits', async () => {
    const line = newLine()
    const processId = await fixture.newProcess()
    await sql`select worker.request(${line.job}, ${line.account}, '{"ids": [9007199254740993, 9007199254740992]}')`.execute(
      fixture.store,
    )
    expect(await fixture.claim(line, processId)).toMatchObject({
      payload: { ids: ['9007199254740993', 9_007_199_254_740_992] },
    })
  })

  test('by SQL: a request may have a key in a transaction whose constraints are immediate', async () => {
    const { job, account } = newLine()
    await fixture.store.transaction().execute(async tx => {
      await sql`set constraints all immediate`.execute(tx)
      await sql`select worker.request(${job}, ${account}, idempotency_key => 'k')`.execute(tx)
    })
    const keys = fixture.store.selectFrom('worker.idempotency_keys').select('key').where('account', '=', account)
    expect(await keys.execute()).toEqual([{ key: 'k' }])
  })

  test('by SQL: what a transaction asks for again, such as a trigger for each row, writes nothing', async () => {
    const { job, account } = newLine()
    const written = await fixture.store.transaction().execute(async tx => {
      const ask = async (priority: string, key: string | null = null) =>
        (
          await sql<{ id: string }>`select worker.request(${job}, ${account}, '{}', ${priority}, ${key}) as id`.execute(
            tx,
          )
        ).rows[0]?.id
      const count = async () => {
        const { rows } = await sql<{
          count: number
        }>`select n_tup_ins + n_tup_upd as count from pg_stat_xact_user_tables
          where relid in ('worker.requests'::regclass, 'worker.unreported_requests'::regclass)`.execute(tx)
        return rows.reduce((sum, row) => sum + Number(row.count), 0)
      }
      const first = await ask('normal')
      const counts: number[] = []
      for (const priority of ['normal', 'low', 'high', 'high', 'normal']) {
        const before = await count()
        expect(await ask(priority)).toBe(first)
        counts.push((await count()) - before)
      }
      const before = await count()
      expect(await ask('normal', 'k')).toBe(first)
      return [...counts, (await count()) - before]
    })
    // One that is more urgent updates the request, and is reported.
    expect(written).toEqual([0, 0, 2, 0, 0, 0])
    const priority = fixture.store.selectFrom('worker.requests').select('priority').where('account', '=', account)
    expect(await priority.execute()).toEqual([{ priority: 'high' }])
  })

  test('by SQL, with texts of any collation: each row is found by an index', async () => {
    const { job, account } = newLine()
    await fixture.store.transaction().execute(async tx => {
      const readWhole = async () =>
        (await sql`select relname, seq_scan from pg_stat_xact_user_tables where schemaname = 'worker'`.execute(tx)).rows
      const before = await readWhole()
      await sql`
        with wanted as (select ${job} collate "C" as job, ${account} collate "POSIX" as account, 'k' collate "ucs_basic" as key)
        select worker.request(job, account, '{}', 'high', key) from wanted`.execute(tx)
      expect(await readWhole()).toEqual(before)
    })
  })

  test('a payload that Postgres cannot store is refused in a sentence', async () => {
    await expect(fixture.accept(request(newLine(), { payload: { text: 'a\u0000b' } }))).rejects.toThrow(/NUL/)
    await expect(fixture.accept(request(newLine(), { payload: { text: '\ud800' } }))).rejects.toThrow(/surrogate/)
  })
})
