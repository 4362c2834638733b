import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fencedTransaction, type Lease } from '../../src/runs/lease.ts'
import type { FencedTransaction } from '../../src/store/store.ts'
import { type Lines, newLine, openLines, request, stores } from '../fixtures/open-lines.ts'

describe.each(stores)('a transaction of a run on %s', backend => {
  let fixture: Lines
  let lease: Lease
  beforeAll(async () => {
    fixture = await openLines(backend)
    const line = newLine()
    await fixture.accept(request(line))
    lease = (await fixture.claim(line, await fixture.newProcess())).lease
    await sql`create table public.noted (n integer primary key)`.execute(fixture.store)
  })
  afterAll(() => fixture[Symbol.asyncDispose]())

  const insert = (tx: FencedTransaction, n: number) => sql`insert into public.noted values (${n})`.execute(tx)
  const insertTwo = async (tx: FencedTransaction, n: number) => {
    await insert(tx, n)
    await insert(tx, 10 * n)
  }
  const noted = async () => {
    const { rows } = await sql<{ n: number }>`select n from public.noted order by n`.execute(fixture.store)
    return rows.map(({ n }) => n)
  }

  test('whose statements are not awaited writes nothing', async () => {
    const started: Promise<unknown>[] = []
    const ended = fencedTransaction(fixture.store, lease, async tx => {
      await insert(tx, 1)
      started.push(...[2, 3, 4].map(n => insertTwo(tx, n).catch(() => {})))
    })
    await expect(ended).rejects.toMatchObject({
      code: 'not-awaited',
      found: `${lease.job} ended a transaction while its statements were still running, so nothing of it was written`,
    })
    await Promise.all(started)
    expect(await noted()).toEqual([])
  })

  test('of which one of several concurrent statements fails writes nothing, not even after its end', async () => {
    const started: Promise<unknown>[] = []
    const failed = fencedTransaction(fixture.store, lease, async tx => {
      started.push(...[1, 1, 2, 3, 4, 5].map(n => insert(tx, n)))
      await Promise.all(started)
    })
    await expect(failed).rejects.toMatchObject({ code: '23505' })
    await Promise.allSettled(started)
    expect(await noted()).toEqual([])
  })

  test('whose concurrent statements are awaited is committed with all of them', async () => {
    const { signal } = new AbortController()
    await fencedTransaction(fixture.store, lease, async tx => {
      await Promise.all([7, 8].map(n => insert(tx, n)))
      await sql`insert into public.noted values (9)`.execute(tx, { signal })
    })
    expect(await noted()).toEqual([7, 8, 9])
    await sql`truncate public.noted`.execute(fixture.store)
  })
})
