import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OutageError, RefusalError } from '../../src/errors.ts'
import { claimProbe, findHold, liftHolds, placeHold, probePauseSeconds } from '../../src/gate/holds.ts'
import { findStoreTime } from '../../src/schedules/scheduler.ts'
import type { Database } from '../../src/store/open-database.ts'
import { openTestStore } from './open-test-store.ts'

let database: Database & AsyncDisposable
beforeAll(async () => {
  database = await openTestStore()
})
afterAll(() => database[Symbol.asyncDispose]())

const refusal = new RefusalError('claims', 'account', { found: 'The token has no claims', remedy: 'mend the mapper' })
const jobRefusal = new RefusalError('job-roles', 'job', 'Role "editor" is missing: assign it')
const outage = new OutageError('network', 'account', 'No answer from Hasura: check that it runs')

describe('the pause between two probes', () => {
  test('begins at 5 s, doubles, and stays at 5 minutes', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 7].map(probePauseSeconds)).toEqual([5, 10, 20, 40, 80, 160, 300, 300])
  })

  test('never shrinks and never leaves 5 to 300 s, however many probes failed', () => {
    fc.assert(
      fc.property(fc.nat(), fc.nat(), (a, b) => {
        const [fewer, more] = [Math.min(a, b), Math.max(a, b)].map(probePauseSeconds)
        expect(fewer).toBeGreaterThanOrEqual(5)
        expect(more).toBeLessThanOrEqual(300)
        expect(more).toBeGreaterThanOrEqual(fewer ?? 0)
      }),
    )
  })

  test('grows with each probe that met the same or another reason', async () => {
    const account = randomUUID()
    const pauses = []
    let placedAfter = new Date(0)
    for (const cause of [refusal, refusal, outage, refusal]) {
      placedAfter = await findStoreTime(database.store)
      pauses.push(await placeHold(database.store, account, 'sync-articles', cause, 'gate', true))
    }
    const placedBefore = await findStoreTime(database.store)
    expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000])
    const hold = await findHold(database.store, account, 'sync-topics')
    expect(hold).toMatchObject({ job: '', code: 'claims', found: refusal.found, remedy: refusal.remedy })
    const { probe_at } = await rowOf(account)
    expect(probe_at.getTime() - 40_000).toBeGreaterThanOrEqual(placedAfter.getTime())
    expect(probe_at.getTime() - 40_000).toBeLessThanOrEqual(placedBefore.getTime())
  })

  test('stays as it is when others meet the same outage, none of whom had gone to look', async () => {
    const account = randomUUID()
    for (let probes = 0; probes < 3; probes += 1) {
      await placeHold(database.store, account, 'sync-articles', refusal, 'gate', true)
    }
    const before = await rowOf(account)
    expect(before.probes).toBe(2)
    for (const metBy of ['gate', 'run'] as const) {
      await placeHold(database.store, account, 'sync-topics', outage, metBy, false)
      expect(await rowOf(account)).toEqual(before)
    }
  })
})

test('the pause is at least what the other side asked for', async () => {
  const account = randomUUID()
  const asking = new OutageError('token-endpoint', 'account', 'Asks for a pause', { retryAfterMs: 12_000 })
  const pauses = []
  for (let n = 0; n < 3; n += 1)
    pauses.push(await placeHold(database.store, account, 'sync-articles', asking, 'gate', true))
  expect(pauses).toEqual([12_000, 12_000, 20_000])
})

describe('a hold', () => {
  test('of a job concerns no other job, one of the account all of them, and of no other account', async () => {
    const account = randomUUID()
    await placeHold(database.store, account, 'sync-articles', jobRefusal, 'gate', true)
    expect(await findHold(database.store, account, 'sync-articles')).toMatchObject({ code: 'job-roles' })
    expect(await findHold(database.store, account, 'sync-topics')).toBeUndefined()
    await placeHold(database.store, account, 'sync-articles', refusal, 'gate', true)
    expect(await findHold(database.store, account, 'sync-topics')).toMatchObject({ code: 'claims' })
    expect(await findHold(database.store, account, 'sync-articles')).toMatchObject({ code: 'claims' })
    expect(await findHold(database.store, randomUUID(), 'sync-articles')).toBeUndefined()
  })

  test('that is due lets one of many look, and none before', async () => {
    const account = randomUUID()
    await placeHold(database.store, account, 'sync-articles', refusal, 'gate', true)
    const hold = await findHold(database.store, account, 'sync-articles')
    if (!hold) throw new Error('nothing was held')
    const claimTen = () => Promise.all(Array.from({ length: 10 }, () => claimProbe(database.store, hold)))
    expect(await claimTen()).not.toContain(true)
    await makeDue(account)
    expect((await claimTen()).filter(Boolean)).toHaveLength(1)
    expect(await claimTen()).not.toContain(true)
  })

  test('that the gate met is lifted when the gate lets a run pass', async () => {
    const account = randomUUID()
    await placeHold(database.store, account, 'sync-articles', refusal, 'gate', true)
    await placeHold(database.store, account, 'sync-articles', jobRefusal, 'gate', true)
    expect(await liftHolds(database.store, account, 'sync-articles', 'gate')).toBe(true)
    expect(await findHold(database.store, account, 'sync-articles')).toBeUndefined()
    expect(await liftHolds(database.store, account, 'sync-articles', 'gate')).toBe(false)
  })

  test.each([outage, jobRefusal])(
    'that a run met behind the gate stays until a run came through: $code',
    async cause => {
      const account = randomUUID()
      await placeHold(database.store, account, 'sync-articles', cause, 'run', true)
      expect(await liftHolds(database.store, account, 'sync-articles', 'gate')).toBe(false)
      expect(await placeHold(database.store, account, 'sync-articles', cause, 'run', true)).toBe(10_000)
      expect(await liftHolds(database.store, account, 'sync-articles', 'run')).toBe(true)
    },
  )

  test('of another job stays when this one passes', async () => {
    const account = randomUUID()
    await placeHold(database.store, account, 'sync-articles', jobRefusal, 'gate', true)
    expect(await liftHolds(database.store, account, 'sync-topics', 'run')).toBe(false)
    expect(await findHold(database.store, account, 'sync-articles')).toMatchObject({ code: 'job-roles' })
  })
})

function rowOf(account: string) {
  return database.store.selectFrom('worker.holds').selectAll().where('account', '=', account).executeTakeFirstOrThrow()
}

async function makeDue(account: string): Promise<void> {
  await database.store
    .updateTable('worker.holds')
    .set({ probe_at: new Date(0) })
    .where('account', '=', account)
    .execute()
}
