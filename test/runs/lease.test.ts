import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { LeaseLostError } from '../../src/errors.ts'
import { createLeases, fencedTransaction } from '../../src/runs/lease.ts'
import type { RunDeps } from '../../src/runs/run-deps.ts'
import { breakOffRun, finishRun, startRun, suspendRun } from '../../src/runs/run-record.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { backends, openTestApp, type TestApp, type TestProcess } from '../fixtures/open-test-app.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await openSandbox({ hasura: { seed: false } })
})
afterAll(() => sandbox[Symbol.asyncDispose]())

// The store alone matters here, and the queue's place doesn't.
describe.each(backends.filter(backend => backend !== 'redis'))('the lease on %s', backend => {
  let app: TestApp
  let peer: TestProcess
  beforeAll(async () => {
    app = await openTestApp({ backend, sandbox })
    peer = await app.openPeer()
  })
  afterAll(async () => {
    await peer[Symbol.asyncDispose]()
    await app[Symbol.asyncDispose]()
  })

  const newKey = () => ({ account: `account-${randomUUID()}`, job: 'sync-things' })
  const take = ({ leases }: Pick<RunDeps, 'leases'>, { account, job }: { account: string; job: string }) =>
    leases.take(account, job)
  /** A process of which the store knows no sign of life. */
  const openDead = (): Pick<RunDeps, 'store' | 'leases'> => ({
    store: app.deps.store,
    leases: createLeases(app.deps.store, randomUUID()),
  })
  const runsOf = (account: string) =>
    app.deps.store.selectFrom('worker.runs').selectAll().where('account', '=', account).orderBy('id').execute()
  const start = { requestId: 'request', trigger: 'cli', attempt: 1, payload: {} }
  const note = (account: string) => ({ bootstrap_id: randomUUID(), step: 'step', account, request_id: 'r' })

  test('of many that take it at once, in several processes, one gets it', async () => {
    const key = newKey()
    const taken = await Promise.all(Array.from({ length: 12 }, (_, n) => take(n % 2 ? app.deps : peer.deps, key)))
    expect(taken.filter(lease => lease !== undefined)).toHaveLength(1)
  })

  test('it is free again after its release, with a greater fence', async () => {
    const key = newKey()
    const first = (await take(app.deps, key)) ?? expect.fail()
    expect(await take(peer.deps, key)).toBeUndefined()
    expect(await take(app.deps, key)).toBeUndefined()
    expect(await take(app.deps, { ...key, job: 'another-job' })).toBeDefined()
    await app.deps.leases.release(first)
    const second = (await take(peer.deps, key)) ?? expect.fail()
    expect(Number(second.fence)).toBeGreaterThan(Number(first.fence))
    // A late release of the first one takes nothing away from the second.
    await app.deps.leases.release(first)
    expect(await take(app.deps, key)).toBeUndefined()
  })

  test('a run that was superseded writes nothing, neither rows nor how it ended', async () => {
    const dead = openDead()
    const key = newKey()
    const old = (await take(dead, key)) ?? expect.fail()
    const oldRun = await startRun(dead.store, old, start)
    const lease = (await take(app.deps, key)) ?? expect.fail()
    expect(await runsOf(key.account)).toMatchObject([{ state: 'interrupted', error_code: 'interrupted' }])

    const written = fencedTransaction(dead.store, old, async tx => {
      await tx.insertInto('worker.bootstrap_steps').values(note(key.account)).execute()
    })
    await expect(written).rejects.toThrow(LeaseLostError)
    await finishRun(dead.store, old, oldRun.id, { counts: { read: 1 } })
    await suspendRun(dead.store, old, oldRun.id)
    await breakOffRun(dead.store, old, oldRun.id, 'failed', new Error('late'))
    expect(await runsOf(key.account)).toMatchObject([{ state: 'interrupted', counts: null }])

    await fencedTransaction(app.deps.store, lease, async tx => {
      await tx.insertInto('worker.bootstrap_steps').values(note(key.account)).execute()
    })
    const steps = await app.deps.store
      .selectFrom('worker.bootstrap_steps')
      .select('step')
      .where('account', '=', key.account)
      .execute()
    expect(steps).toHaveLength(1)
  })

  test('a run that waits goes on under its number, and its earlier process can’t end it', async () => {
    const dead = openDead()
    const key = newKey()
    const requestId = randomUUID()
    const old = (await take(dead, key)) ?? expect.fail()
    const first = await startRun(dead.store, old, { ...start, requestId })
    await suspendRun(dead.store, old, first.id)
    const lease = (await take(app.deps, key)) ?? expect.fail()
    const again = await startRun(app.deps.store, lease, { ...start, requestId })
    expect(again).toEqual({ id: first.id, reopened: true })
    await finishRun(dead.store, old, first.id, {})
    expect(await runsOf(key.account)).toMatchObject([{ state: 'running' }])
    await finishRun(app.deps.store, lease, first.id, { from: 'a', to: 'b', counts: { read: 2 } })
    expect(await runsOf(key.account)).toMatchObject([
      { state: 'succeeded', from_position: 'a', to_position: 'b', counts: { read: 2 } },
    ])
  })

  test('nobody takes it while a transaction of its holder is open, even when that one is taken for dead', async () => {
    const key = newKey()
    const dead = openDead()
    const old = (await take(dead, key)) ?? expect.fail()
    const order: string[] = []
    let taking: Promise<unknown> | undefined
    await fencedTransaction(dead.store, old, async tx => {
      taking = take(app.deps, key).then(lease => order.push(lease ? 'taken' : 'busy'))
      await sql`select pg_sleep(0.2)`.execute(tx)
      order.push('committing')
    })
    await taking
    expect(order).toEqual(['committing', 'taken'])
  })

  test('what a job throws inside a transaction undoes it', async () => {
    const key = newKey()
    const lease = (await take(app.deps, key)) ?? expect.fail()
    const written = fencedTransaction(app.deps.store, lease, async tx => {
      await tx.insertInto('worker.bootstrap_steps').values(note(key.account)).execute()
      throw new Error('a fault of the job')
    })
    await expect(written).rejects.toThrow('a fault of the job')
    const steps = app.deps.store.selectFrom('worker.bootstrap_steps').selectAll().where('account', '=', key.account)
    expect(await steps.execute()).toEqual([])
  })
})
