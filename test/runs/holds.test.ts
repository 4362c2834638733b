import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HoldRecord } from '../../src/holds/hold-after.ts'
import { liftGateHolds, probeNow } from '../../src/holds/holds.ts'
import type { Database } from '../../src/store/open-database.ts'
import { openTestStore } from '../gate/open-test-store.ts'

let database: Database & AsyncDisposable
beforeAll(async () => {
  database = await openTestStore()
})
afterAll(() => database[Symbol.asyncDispose]())

const refusal: HoldRecord = {
  code: 'claims',
  found: 'The token has no claims',
  remedy: 'add the mapper',
  scope: 'account',
  metBy: 'gate',
  probed: true,
  pauseMs: 0,
  weight: 1,
}
const jobRefusal: HoldRecord = { ...refusal, code: 'job-roles', scope: 'job' }
const outage: HoldRecord = { ...refusal, code: 'network', metBy: 'run' }

const place = (account: string, job: string, hold: HoldRecord) =>
  sql`select worker.place_hold(${account}, ${job}, ${JSON.stringify(hold)}::jsonb)`.execute(database.store)

/** The holds of an account, by job, with the seconds until their next probe. */
async function holdsOf(account: string) {
  const rows = await database.store
    .selectFrom('worker.holds')
    .select(['job', 'code', 'probes', sql<number>`extract(epoch from probe_at - now())::float8`.as('seconds')])
    .where('account', '=', account)
    .orderBy('job')
    .execute()
  return rows.map(({ seconds, ...row }) => ({ ...row, seconds: Math.ceil(seconds) }))
}

const lift = (account: string, job: string) =>
  sql`select from worker.lift_holds(${account}, ${job})`.execute(database.store)

describe('the pause between two probes', () => {
  test('begins at 5 s, doubles with each probe whatever it met, and stays at 5 minutes', async () => {
    const account = randomUUID()
    const pauses: number[] = []
    for (const hold of [refusal, refusal, outage, refusal, outage, outage, refusal, refusal, refusal]) {
      // Its own pause decides, and not the one of the probe before.
      await sql`update worker.holds set probe_at = now() where account = ${account}`.execute(database.store)
      await place(account, 'sync-articles', hold)
      pauses.push((await holdsOf(account))[0]?.seconds ?? 0)
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 300, 300, 300])
  })

  test('grows by no failure of a run that had not gone to look', async () => {
    const account = randomUUID()
    await place(account, 'sync-articles', refusal)
    for (let n = 0; n < 3; n += 1) await place(account, 'sync-topics', { ...outage, probed: false })
    expect(await holdsOf(account)).toEqual([{ job: '', code: 'claims', probes: 0, seconds: 5 }])
  })

  test('starts again with what happens after a pause that the API asked for, in any process', async () => {
    const account = randomUUID()
    await place(account, 'sync-articles', { ...outage, code: 'rate-limited', pauseMs: 60_000, weight: 0 })
    await sql`update worker.holds set probe_at = now(), asked_until = now() where account = ${account}`.execute(
      database.store,
    )
    // Nobody had gone to look: a pause of the API's is simply over.
    await place(account, 'sync-articles', { ...outage, probed: false })
    expect(await holdsOf(account)).toEqual([{ job: '', code: 'network', probes: 0, seconds: 5 }])
  })

  test('is longer for a probe that is expensive, and at least what the other side asked for', async () => {
    const account = randomUUID()
    await place(account, 'a', { ...jobRefusal, weight: 12 })
    await place(account, 'b', { ...jobRefusal, pauseMs: 12_000 })
    await place(account, 'c', { ...jobRefusal, pauseMs: 7_000, weight: 0 })
    expect((await holdsOf(account)).map(hold => hold.seconds)).toEqual([60, 12, 7])
    await place(account, 'c', { ...jobRefusal, pauseMs: 9_000, weight: 0, probed: false })
    await place(account, 'c', { ...jobRefusal, pauseMs: 2_000, weight: 0, probed: false })
    expect((await holdsOf(account)).map(hold => hold.seconds)).toEqual([60, 12, 9])
  })
})

describe('a probe that somebody asks for', () => {
  const take = async (account: string) => {
    const { rows } = await sql<{ taken: boolean | null }>`
      select worker.take_probe(${account}, 'sync-articles') as taken`.execute(database.store)
    return rows[0]?.taken
  }

  test('is due at once, and only once', async () => {
    const account = randomUUID()
    await place(account, 'sync-articles', refusal)
    expect(await take(account)).toBe(false)
    await probeNow(database.store, [account])
    expect([await take(account), await take(account)]).toEqual([true, false])
    await place(account, 'sync-articles', refusal)
    expect(await holdsOf(account)).toMatchObject([{ probes: 1, seconds: 10 }])
  })

  test('follows one that is running, which may have seen the cause before it was fixed', async () => {
    const account = randomUUID()
    await place(account, 'sync-articles', refusal)
    await probeNow(database.store, [account])
    await take(account)
    await probeNow(database.store, [account])
    await place(account, 'sync-articles', refusal)
    expect(await holdsOf(account)).toMatchObject([{ probes: 1 }])
    expect(await take(account)).toBe(true)
    await place(account, 'sync-articles', refusal)
    expect(await holdsOf(account)).toMatchObject([{ probes: 2, seconds: 20 }])
  })
})

describe('a hold', () => {
  test('of a job is apart from those of other jobs and from that of the account', async () => {
    const account = randomUUID()
    await place(account, 'sync-articles', jobRefusal)
    await place(account, 'sync-articles', refusal)
    expect(await holdsOf(account)).toMatchObject([
      { job: '', code: 'claims' },
      { job: 'sync-articles', code: 'job-roles' },
    ])
    await lift(account, 'sync-topics')
    expect(await holdsOf(account)).toMatchObject([{ job: 'sync-articles' }])
  })

  test('that the gate met is lifted when the gate lets a run pass; one that a run met, when a run comes through', async () => {
    const account = randomUUID()
    await place(account, 'sync-articles', refusal)
    await place(account, 'sync-articles', { ...jobRefusal, metBy: 'run' })
    expect(await liftGateHolds(database.store, account, 'sync-articles')).toEqual([
      { code: 'claims', scope: 'account' },
    ])
    expect(await holdsOf(account)).toMatchObject([{ job: 'sync-articles' }])
    expect(await liftGateHolds(database.store, account, 'sync-articles')).toEqual([])
    await lift(account, 'sync-articles')
    expect(await holdsOf(account)).toEqual([])
  })

  test('whose pause the API asked for is lifted by nobody before that is over', async () => {
    const account = randomUUID()
    await place(account, 'sync-articles', { ...outage, code: 'rate-limited', pauseMs: 60_000, weight: 0 })
    await lift(account, 'sync-articles')
    expect(await liftGateHolds(database.store, account, 'sync-articles')).toEqual([])
    expect(await holdsOf(account)).toHaveLength(1)
    await sql`update worker.holds set asked_until = now() where account = ${account}`.execute(database.store)
    await lift(account, 'sync-articles')
    expect(await holdsOf(account)).toEqual([])
  })
})
