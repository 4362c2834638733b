import { randomUUID } from 'node:crypto'
import { type RawBuilder, sql, type Transaction } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { LeaseLostError } from '../../src/errors.ts'
import { startHeartbeat } from '../../src/runs/heartbeat.ts'
import { createLeases, fencedStatement, fencedTransaction } from '../../src/runs/lease.ts'
import type { RunDeps } from '../../src/runs/run-deps.ts'
import { breakOffRun, finishRun, startRun, suspendRun } from '../../src/runs/run-record.ts'
import type { WorkerTables } from '../../src/store/schema.ts'
import type { Store } from '../../src/store/store.ts'
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
  /** A process that takes a lease and then gives no sign of life any more. */
  const openDead = (): Pick<RunDeps, 'store' | 'leases'> => {
    const { store } = app.deps
    const id = randomUUID()
    const leases = createLeases(store, id)
    return {
      store,
      leases: {
        ...leases,
        async take(account, job) {
          const expires_at = new Date(Date.now() + 60_000)
          await store.insertInto('worker.processes').values({ id, host: 'gone', pid: 1, expires_at }).execute()
          const lease = await leases.take(account, job)
          await store.deleteFrom('worker.processes').where('id', '=', id).execute()
          return lease
        },
      },
    }
  }
  const runsOf = (account: string) =>
    app.deps.store.selectFrom('worker.runs').selectAll().where('account', '=', account).orderBy('id').execute()
  const start = { requestId: 'request', trigger: 'cli', attempt: 1, payload: {} }
  const note = (account: string) => ({ bootstrap_id: randomUUID(), step: 'step', account, request_id: 'r' })
  const noteWhere = (account: string) => (held: RawBuilder<boolean>) => {
    const { bootstrap_id, step, request_id } = note(account)
    return sql`insert into worker.bootstrap_steps (account, bootstrap_id, step, request_id)
      select ${account}, ${bootstrap_id}, ${step}, ${request_id} where ${held}`
  }

  test('of many that take it at once, in several processes, one gets it', async () => {
    const key = newKey()
    const taken = await Promise.all(Array.from({ length: 12 }, (_, n) => take(n % 2 ? app.deps : peer.deps, key)))
    expect(taken.filter(lease => lease !== undefined)).toHaveLength(1)
  })

  test('a process that is taken for dead takes none', async () => {
    expect(await createLeases(app.deps.store, randomUUID()).take(newKey().account, 'sync-things')).toBeUndefined()
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
    await expect(fencedStatement(dead.store, old, noteWhere(key.account))).rejects.toThrow(LeaseLostError)
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
    expect(await fencedStatement(app.deps.store, lease, noteWhere(key.account))).toBe(1)
  })

  test('a run whose own process has taken the lease again since writes nothing', async () => {
    const key = newKey()
    const old = (await take(app.deps, key)) ?? expect.fail()
    await app.deps.leases.release(old)
    const lease = (await take(app.deps, key)) ?? expect.fail()
    expect(lease.processId).toBe(old.processId)
    await expect(fencedTransaction(app.deps.store, old, async () => {})).rejects.toThrow(LeaseLostError)
    await expect(fencedStatement(app.deps.store, old, noteWhere(key.account))).rejects.toThrow(LeaseLostError)
    expect(await fencedStatement(app.deps.store, lease, noteWhere(key.account))).toBe(1)
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
    let isOpen = true
    let taking: Promise<unknown> | undefined
    await fencedTransaction(dead.store, old, async tx => {
      taking = take(app.deps, key).then(lease => {
        if (lease) expect(isOpen).toBe(false)
        return lease
      })
      await sql`select pg_sleep(0.2)`.execute(tx)
      isOpen = false
    })
    expect((await taking) ?? (await take(app.deps, key))).toMatchObject({ fence: '2' })
  })

  // An embedded database has one connection, so that everybody waits for a transaction there.
  test.runIf(backend === 'postgres')('who wants it while its holder has a long transaction doesn’t wait', async () => {
    const key = newKey()
    const lease = (await take(app.deps, key)) ?? expect.fail()
    await fencedTransaction(app.deps.store, lease, async () => {
      expect(await take(peer.deps, key)).toBeUndefined()
    })
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

  const startShaky = (store: Store) =>
    startHeartbeat({ store, clock: systemClock, log: app.deps.log }, { host: 'shaky', pid: 1 })
  const untilPeerTakes = (key: { account: string; job: string }) =>
    expect.poll(async () => (await take(peer.deps, key)) !== undefined, { timeout: 4_000, interval: 50 }).toBe(true)

  test('one that could not be released is free with the next heartbeat, though its process lives', async () => {
    let away = false
    const store = app.deps.store.withPlugin({
      transformQuery({ node }) {
        if (away && node.kind === 'UpdateQueryNode') throw new Error('the store is away')
        return node
      },
      transformResult: async ({ result }) => result,
    })
    await using heartbeat = await startShaky(store)
    const key = newKey()
    const kept = (await take(heartbeat, { ...key, job: 'kept' })) ?? expect.fail()
    const lease = (await take(heartbeat, key)) ?? expect.fail()
    away = true
    await expect(heartbeat.leases.release(lease)).rejects.toThrow('away')
    away = false
    expect(await take(peer.deps, key)).toBeUndefined()
    await untilPeerTakes(key)
    // What it does hold stays its own.
    await fencedTransaction(app.deps.store, kept, async () => {})
  })

  test('one whose taking was done but not answered is freed as well', async () => {
    let lost = 1
    const store = new Proxy(app.deps.store, {
      get(real, name) {
        const value: unknown = Reflect.get(real, name)
        if (typeof value !== 'function') return value
        if (name !== 'transaction' || lost === 0) return value.bind(real)
        lost -= 1
        return () => ({
          async execute(work: (tx: Transaction<WorkerTables>) => Promise<unknown>) {
            await real.transaction().execute(work)
            throw new Error('the answer was lost')
          },
        })
      },
    })
    await using heartbeat = await startShaky(store)
    const key = newKey()
    await expect(take(heartbeat, key)).rejects.toThrow('lost')
    expect(await take(peer.deps, key)).toBeUndefined()
    await untilPeerTakes(key)
  })

  test('one that is taken just when another is freed stays', async () => {
    const [looked, goOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const slow = app.deps.store.withPlugin({
      transformQuery: ({ node }) => node,
      async transformResult({ result }) {
        if (!result.rows.some(row => 'fence' in row && 'account' in row)) return result
        looked.resolve()
        await goOn.promise
        return result
      },
    })
    const processId = randomUUID()
    await app.deps.store
      .insertInto('worker.processes')
      .values({ id: processId, host: 'slow', pid: 1, expires_at: new Date(Date.now() + 60_000) })
      .execute()
    const [leases, forgetful] = [createLeases(slow, processId), createLeases(app.deps.store, processId)]
    const key = newKey()
    const orphan = (await take({ leases: forgetful }, key)) ?? expect.fail()
    const freeing = leases.releaseOrphans()
    await looked.promise
    await forgetful.release(orphan)
    const lease = (await take({ leases }, key)) ?? expect.fail()
    goOn.resolve()
    await freeing
    await fencedTransaction(app.deps.store, lease, async () => {})
  })
})
