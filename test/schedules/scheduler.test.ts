import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { scheduledRequestId } from '../../src/queue/request.ts'
import type { RequestQueue } from '../../src/queue/request-queue.ts'
import {
  addDueRequests,
  findStoreTime,
  reconcileSchedules,
  type Schedule,
  startScheduler,
} from '../../src/schedules/scheduler.ts'
import { VirtualClock } from '../auth/virtual-clock.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { backends, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await openSandbox({ hasura: { seed: false } })
})
afterAll(() => sandbox[Symbol.asyncDispose]())

describe.each(backends)('schedules on %s', backend => {
  let app: TestApp
  let clock: VirtualClock
  let schedule: Schedule & { rule: { everySeconds: number } }
  beforeAll(async () => {
    app = await openTestApp({ backend, sandbox })
  })
  afterAll(() => app[Symbol.asyncDispose]())
  beforeEach(() => {
    clock = new VirtualClock()
    schedule = {
      account: `account-${randomUUID()}`,
      job: 'sync-users',
      rule: { everySeconds: 60 },
      afterBootstrap: false,
    }
  })

  const deps = (queue: RequestQueue = app.deps.queue) => ({
    ...app.deps,
    queue,
    clock,
    now: async () => new Date(clock.now()),
  })
  const reconcile = (...schedules: Schedule[]) => reconcileSchedules(deps(), schedules)
  const look = (queue?: RequestQueue) => addDueRequests(deps(queue), [schedule])
  const row = () =>
    app.deps.store.selectFrom('worker.schedules').selectAll().where('account', '=', schedule.account).executeTakeFirst()
  const tick = (at: number) => app.deps.queue.find(scheduledRequestId(schedule.account, schedule.job, new Date(at)))
  const change = (values: { paused?: boolean; claimed_until?: Date | null; next_run_at?: Date }) =>
    app.deps.store.updateTable('worker.schedules').set(values).where('account', '=', schedule.account).execute()

  test('a tick is added when it is due, and once', async () => {
    const begun = clock.now()
    await reconcile(schedule)
    expect(await look()).toBe(1)
    expect(await look()).toBe(0)
    expect(await tick(begun)).toMatchObject({ account: schedule.account, job: 'sync-users', trigger: 'schedule' })
    expect(await row()).toMatchObject({
      next_run_at: new Date(begun + 60_000),
      last_run_at: new Date(begun),
      claimed_until: null,
    })
    clock.advance(59_999)
    expect(await look()).toBe(0)
    clock.advance(1)
    expect(await look()).toBe(1)
  })

  test('several processes that look at once add each tick once', async () => {
    await reconcile(schedule)
    for (let n = 0; n < 3; n += 1) {
      const found = await Promise.all(Array.from({ length: 5 }, () => look()))
      expect(found.reduce((sum, count) => sum + count)).toBe(1)
      clock.advance(60_000)
    }
  })

  test('a tick whose process ended between claim and request is made up for when the claim has expired', async () => {
    const begun = clock.now()
    await reconcile(schedule)
    const away: RequestQueue = { ...app.deps.queue, add: () => Promise.reject(new Error('the queue is away')) }
    await expect(look(away)).rejects.toThrow('away')
    clock.advance(5_000)
    expect(await look()).toBe(0)
    await change({ claimed_until: new Date(Date.now() - 1_000) })
    expect(await look()).toBe(1)
    expect(await tick(begun)).toBeDefined()
    expect((await row())?.next_run_at).toEqual(new Date(begun + 60_000))
  })

  test('a tick whose process ended between request and its note isn’t added twice', async () => {
    const begun = clock.now()
    await reconcile(schedule)
    await look()
    // As it stood when the process ended: the request was in the queue, the schedule not yet moved on.
    await change({ next_run_at: new Date(begun), claimed_until: new Date(Date.now() - 1_000) })
    const before = await tick(begun)
    expect(await look()).toBe(1)
    expect((await tick(begun))?.requestedAt).toEqual(before?.requestedAt)
    expect((await row())?.next_run_at).toEqual(new Date(begun + 60_000))
  })

  test('a time that an operator set with microseconds is left behind like any other', async () => {
    await reconcile(schedule)
    await sql`update worker.schedules set next_run_at = ${new Date(clock.now() - 5_000)}::timestamptz + interval '123 microseconds'
      where account = ${schedule.account}`.execute(app.deps.store)
    expect(await look()).toBe(1)
    expect(await look()).toBe(0)
    expect((await row())?.next_run_at.getTime()).toBeGreaterThan(clock.now())
    expect((await row())?.claimed_until).toBeNull()
  })

  test('a rule that is the same keeps its time, also an overdue one; a changed one has a new time when nothing is due', async () => {
    const begun = clock.now()
    await reconcile(schedule)
    await look()
    clock.advance(90_000)
    await reconcile(schedule)
    expect((await row())?.next_run_at).toEqual(new Date(begun + 60_000))
    await reconcile({ ...schedule, rule: { cron: '0 0 * * *' } })
    // Replicas that don't agree yet must not lose the tick that is due, nor make one.
    expect(await row()).toMatchObject({ rule: '0 0 * * * UTC', next_run_at: new Date(begun + 60_000) })
    await reconcile(schedule)
    expect(await look()).toBe(1)
    await reconcile({ ...schedule, rule: { cron: '0 0 * * *' } })
    expect(await row()).toMatchObject({ rule: '0 0 * * * UTC', next_run_at: new Date(Date.UTC(2026, 10, 2)) })
  })

  test('a schedule that is paused waits, and stays so', async () => {
    await reconcile(schedule)
    await change({ paused: true })
    await reconcile(schedule)
    expect(await look()).toBe(0)
    await change({ paused: false })
    expect(await look()).toBe(1)
  })

  test('a schedule of another process or version is neither deleted nor served here', async () => {
    const other = { ...schedule, account: `account-${randomUUID()}` }
    await reconcile(schedule)
    await reconcile(other)
    const kept = await row()
    expect(kept).toMatchObject({ rule: 'every 60 s' })
    const found = await addDueRequests(deps(), [other])
    expect(found).toBe(1)
    expect(await row()).toEqual(kept)
    expect(await look()).toBe(1)
  })

  describe('of a new account', () => {
    const lookBeside = () => addDueRequests(deps(), [{ ...schedule, afterBootstrap: true }])
    const noteBootstrap = (state: 'running' | 'waiting' | 'failed' | 'refused') =>
      app.deps.store
        .insertInto('worker.runs')
        .values({
          request_id: randomUUID(),
          account: schedule.account,
          job: 'bootstrap-account',
          deduplication_id: 'bootstrap',
          trigger: 'bootstrap',
          attempt: 1,
          state,
        })
        .execute()
    const noteAccount = (bootstrapped_at: Date | null) =>
      app.deps.store
        .insertInto('worker.accounts')
        .values({ name: schedule.account, issuer: 'i', subject: 's', endpoint: '', bootstrapped_at })
        .onConflict(conflict => conflict.column('name').doUpdateSet({ bootstrapped_at }))
        .execute()

    test('a tick waits for the bootstrap, and is made up for when that is done', async () => {
      const begun = clock.now()
      await reconcile(schedule)
      expect(await lookBeside()).toBe(0)
      await noteAccount(null)
      for (const state of ['refused', 'running', 'waiting'] as const) {
        await noteBootstrap(state)
        clock.advance(60_000)
        expect(await lookBeside()).toBe(0)
      }
      await noteAccount(new Date())
      expect(await lookBeside()).toBe(1)
      expect(await tick(begun)).toBeDefined()
    })

    test('a tick goes on when the bootstrap failed, and waits again while a new one runs', async () => {
      await reconcile(schedule)
      await noteAccount(null)
      await noteBootstrap('failed')
      expect(await lookBeside()).toBe(1)
      await noteBootstrap('running')
      clock.advance(60_000)
      expect(await lookBeside()).toBe(0)
    })

    test('a tick waits for nothing where no job brings accounts up', async () => {
      await reconcile(schedule)
      expect(await look()).toBe(1)
    })
  })

  test('the store’s clock counts, not that of a process', async () => {
    clock.advance(-10 * 365 * 86_400_000)
    const now = () => findStoreTime(app.deps.store)
    const before = await now()
    await reconcileSchedules({ ...deps(), now }, [schedule])
    const stored = await row()
    expect(Number(stored?.next_run_at)).toBeGreaterThanOrEqual(before.getTime())
    expect(Number(stored?.next_run_at)).toBeLessThanOrEqual((await now()).getTime())
    expect(await addDueRequests({ ...deps(), now }, [schedule])).toBe(1)
    expect(Number((await row())?.next_run_at)).toBeGreaterThan(Date.now())
  })

  test('what was forgotten with its account is stored again within a minute', async () => {
    await reconcile(schedule)
    await app.deps.store.deleteFrom('worker.schedules').where('account', '=', schedule.account).execute()
    let sleptMs = 0
    const sleep = (ms: number, signal?: AbortSignal) => {
      sleptMs += ms
      return pause(signal)
    }
    const scheduler = startScheduler({ ...deps(), clock: { now: () => clock.now(), sleep } }, () => [schedule])
    await expect.poll(row, { timeout: 10_000, interval: 1 }).toBeDefined()
    await scheduler[Symbol.asyncDispose]()
    expect(sleptMs).toBeLessThan(70_000)
  })

  test('a scheduler goes on looking when the store or the queue was away, and stops at once', async () => {
    await reconcile(schedule)
    let failures = 0
    const shaky: RequestQueue = {
      ...app.deps.queue,
      add(request) {
        failures += 1
        if (failures > 1) return app.deps.queue.add(request)
        // The claim would hold the next try off for half a minute.
        return change({ claimed_until: null }).then(() => Promise.reject(new Error('away')))
      },
    }
    const scheduler = startScheduler(
      { ...deps(shaky), clock: { now: () => clock.now(), sleep: (_ms, signal) => pause(signal) } },
      () => [schedule],
    )
    await expect.poll(async () => (await row())?.last_run_at, { timeout: 10_000 }).not.toBeNull()
    await scheduler[Symbol.asyncDispose]()
    expect(failures).toBe(2)
  })
})

/** One turn of the event loop, unless it is aborted. */
function pause(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    setTimeout(() => (signal?.aborted ? reject(signal.reason) : resolve()), 5)
  })
}
