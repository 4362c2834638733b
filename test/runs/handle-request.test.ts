import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import {
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  TransientError,
  UsageError,
} from '../../src/errors.ts'
import { probePauseSeconds } from '../../src/gate/holds.ts'
import { bootstrapAccount } from '../../src/jobs/bootstrap-account.ts'
import { defineJob, type JobContext, type JobDefinition, type JobResult } from '../../src/jobs/define-job.ts'
import { createBullQueue } from '../../src/queue/bullmq-backend.ts'
import type { Consumer } from '../../src/queue/request-queue.ts'
import { maxUnknownFailures } from '../../src/runs/retry-policy.ts'
import { runNow } from '../../src/runs/run-now.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { backends, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'

type Run = (context: JobContext<{ n: number }>) => Promise<JobResult>

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await openSandbox({ hasura: { seed: false } })
})
afterAll(() => sandbox[Symbol.asyncDispose]())

describe.each(backends)('a request on %s', backend => {
  let app: TestApp
  let account: string
  let consumer: Consumer
  beforeAll(async () => {
    app = await openTestApp({ backend, sandbox, firstLogin: null, jobs: [] })
  })
  beforeEach(() => {
    account = app.addAccount()
    consumer = app.consume()
  })
  afterEach(() => consumer.stop(0))
  afterAll(() => app[Symbol.asyncDispose]())

  const addJob = (run: Run, more: Pick<JobDefinition, 'requirement'> = {}): string => {
    const name = `job-${randomUUID()}`
    app.addJob(
      defineJob({
        name,
        payload: z.object({ n: z.int().default(0) }),
        ...more,
        run: (_session, context) => run(context),
      }),
    )
    return name
  }
  const locateQueue = () =>
    app.config.redisUrl ? { redisUrl: app.config.redisUrl } : { pool: app.database.openQueuePool() }
  const ask = async (job: string, n = 0) =>
    (await app.operations.makeRequest({ job, account, payload: { n }, trigger: 'cli' })).id
  const find = (id: string) => app.operations.findRequest(id)
  const untilState = (id: string, state: string) =>
    expect.poll(async () => (await find(id))?.state, { timeout: 15_000, interval: 20 }).toBe(state)
  const holds = async () => (await app.operations.listHolds()).filter(hold => hold.account === account)
  const letProbe = () =>
    sql`update worker.holds set probe_at = now() - interval '1 second' where account = ${account}`.execute(
      app.deps.store,
    )
  const untilHeld = () => expect.poll(async () => (await holds()).length, { timeout: 10_000, interval: 20 }).toBe(1)
  const logins = () => app.idp.tokenRequests.filter(({ clientId }) => clientId === account).length

  test('waits for the lease, in turn, and is woken as soon as that is free', async () => {
    const gates = new Map<number, PromiseWithResolvers<void>>([1, 2, 3, 4].map(n => [n, Promise.withResolvers<void>()]))
    const started: number[] = []
    const job = addJob(async ({ payload }) => {
      started.push(payload.n)
      await gates.get(payload.n)?.promise
      return {}
    })
    const ids: string[] = []
    for (const n of [1, 2, 3, 4]) {
      ids.push(await ask(job, n))
      if (n === 1) await expect.poll(() => started).toEqual([1])
      else await untilState(ids.at(-1) ?? '', 'delayed')
    }
    using promote = vi.spyOn(app.deps.queue, 'promote')
    for (const n of [1, 2, 3, 4]) {
      gates.get(n)?.resolve()
      await untilState(ids[n - 1] ?? '', 'done')
    }
    expect(started).toEqual([1, 2, 3, 4])
    // By their own clocks they would come all the same, much later.
    expect(promote.mock.calls).toEqual(ids.slice(1).map(id => [id]))
  })

  test('that the gate refuses waits under a hold, and nobody logs in until the probe is due', async () => {
    app.idp.setRoles(account, [])
    const job = addJob(async () => ({}), { requirement: { role: 'viewer' } })
    const first = await ask(job, 1)
    await untilHeld()
    await untilState(first, 'delayed')
    expect((await find(first))?.hold?.reason).toBeTruthy()
    expect((await find(first))?.runs).toMatchObject([{ state: 'refused' }])
    await sql`update worker.holds set probe_at = now() + interval '1 hour' where account = ${account}`.execute(
      app.deps.store,
    )
    const before = logins()
    const second = await ask(job, 2)
    await untilState(second, 'delayed')
    await app.deps.queue.promote(first)
    await untilState(first, 'delayed')
    expect(logins()).toBe(before)
    expect((await find(second))?.runs).toEqual([])
  })

  test('of all that wait under a hold one goes to see, the pause grows, and all go on when it is mended', async () => {
    let mended = false
    const job = addJob(async () => {
      if (mended) return {}
      throw new RefusalError('hasura', 'account', 'Somebody has to mend this.')
    })
    const ids = await Promise.all([1, 2, 3, 4, 5].map(n => ask(job, n)))
    await untilHeld()
    for (const id of ids) await untilState(id, 'delayed')
    const refused = async () => (await app.operations.listRuns({ job, limit: 100 })).length
    await sql`update worker.holds set probes = 0 where account = ${account}`.execute(app.deps.store)
    for (const probes of [1, 2, 3]) {
      const before = await refused()
      await letProbe()
      for (const id of ids) await app.deps.queue.promote(id)
      await expect.poll(refused, { timeout: 10_000, interval: 20 }).toBe(before + 1)
      for (const id of ids) await untilState(id, 'delayed')
      expect(await refused()).toBe(before + 1)
      const hold = await app.deps.store
        .selectFrom('worker.holds')
        .select([
          'probes',
          sql<number>`extract(epoch from probe_at -
            (select max(finished_at) from worker.runs where account = ${account}))::float8`.as('seconds'),
        ])
        .where('account', '=', account)
        .executeTakeFirstOrThrow()
      expect(hold.probes).toBe(probes)
      expect(hold.seconds).toBeGreaterThanOrEqual(probePauseSeconds(probes))
    }
    mended = true
    await letProbe()
    await app.deps.queue.promote(ids[0] ?? '')
    for (const id of ids) await untilState(id, 'done')
    expect(await holds()).toEqual([])
  })

  // Takes the pause's five seconds; that a delayed request wakes by itself is the queue's, and tested there on each.
  test.runIf(backend === 'embedded')('that met an outage waits under a hold, which lifts itself', async () => {
    let down = true
    const job = addJob(async () => {
      if (down) throw new OutageError('network', 'account', 'Nobody answers.')
      return {}
    })
    const id = await ask(job)
    await untilHeld()
    await untilState(id, 'delayed')
    expect((await find(id))?.runs).toMatchObject([{ state: 'interrupted', error: { code: 'network' } }])
    down = false
    // Its own pause of five seconds, with nobody's help.
    await untilState(id, 'done')
    expect(await holds()).toEqual([])
  })

  test('that lost its role in the middle of a run is held alone, not the account’s other jobs', async () => {
    let granted = false
    const job = addJob(async () => {
      if (granted) return {}
      throw new PermanentError('access-denied', 'Your current role is not in allowed roles')
    })
    const other = addJob(async () => ({}))
    const id = await ask(job)
    await untilHeld()
    expect(await holds()).toMatchObject([{ job, code: 'job-roles' }])
    await untilState(await ask(other), 'done')
    expect(await holds()).toHaveLength(1)
    granted = true
    await letProbe()
    await app.deps.queue.promote(id)
    await untilState(id, 'done')
    expect(await holds()).toEqual([])
  })

  test('that is rate limited uses no attempt', async () => {
    let limits = 3
    const job = addJob(async () => {
      limits -= 1
      if (limits >= 0) throw new RateLimitedError('Hasura asks for a pause', 20)
      return {}
    })
    const id = await ask(job)
    await untilState(id, 'done')
    expect((await find(id))?.runs.map(run => run.attempt)).toEqual([1, 1, 1, 1])
  })

  test('is tried again after failures that nobody foresaw, and fails with the last one’s sentence', async () => {
    const job = addJob(async () => {
      throw new SyntaxError('a fault of the job')
    })
    const id = await ask(job)
    for (let failures = 1; failures < maxUnknownFailures; failures += 1) {
      await expect.poll(async () => (await find(id))?.runs.length, { timeout: 10_000, interval: 20 }).toBe(failures)
      await untilState(id, 'delayed')
      await app.deps.queue.promote(id)
    }
    await untilState(id, 'failed')
    const request = await find(id)
    expect(request?.failedReason).toMatch(/^SyntaxError: a fault of the job \(at test\/runs\/handle-request/)
    // The author's own words are the operator's, and not the queue's.
    expect((await app.deps.queue.find(id))?.failedReason).toMatch(/^The job failed with an error of its own/)
    expect(request?.runs.map(run => run.attempt).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  /** Its run is going when an equal one is made, and then ends as told; so do the runs after it. */
  const askTwice = async (endings: readonly (() => Promise<JobResult>)[]) => {
    const asked = Promise.withResolvers<void>()
    let runs = 0
    const job = addJob(async () => {
      const ending = endings[runs]
      runs += 1
      if (runs === 1) await asked.promise
      return ending ? await ending() : {}
    })
    const first = await ask(job)
    await expect.poll(() => runs).toBe(1)
    const second = await ask(job)
    expect(second).not.toBe(first)
    asked.resolve()
    return { job, first, second, runs: () => runs }
  }
  const late = async () => {
    throw new TransientError('timeout', 'No answer from Hasura.')
  }
  const never = async () => {
    throw new PermanentError('validation-failed', 'field "x" not found')
  }

  test('that failed while an equal one was made is done when that one is, without a run of its own', async () => {
    const { job, first, second, runs } = await askTwice([late])
    await untilState(second, 'done')
    await app.deps.queue.promote(first)
    await untilState(first, 'done')
    expect(runs()).toBe(2)
    expect(await app.operations.listRuns({ job, limit: 9 })).toMatchObject([
      { requestId: second, state: 'succeeded' },
      { requestId: first, state: 'failed' },
    ])
  })

  test('that failed while an equal one was made fails as that one does', async () => {
    const { first, second, runs } = await askTwice([late, never])
    await untilState(second, 'failed')
    await app.deps.queue.promote(first)
    await untilState(first, 'failed')
    expect((await find(first))?.failedReason).toBe('field "x" not found')
    expect(runs()).toBe(2)
  })

  test('that met an outage follows the equal one that waits under the hold', async () => {
    const { job, first, runs } = await askTwice([
      async () => {
        throw new OutageError('network', 'account', 'Nobody answers.')
      },
    ])
    const second = await ask(job)
    for (const id of [first, second]) await untilState(id, 'delayed')
    await letProbe()
    await app.deps.queue.promote(first)
    await expect.poll(async () => (await app.deps.queue.find(first))?.follows, { timeout: 5_000 }).toBe(second)
    expect(runs()).toBe(1)
    await app.deps.queue.promote(second)
    await untilState(second, 'done')
    await app.deps.queue.promote(first)
    await untilState(first, 'done')
    expect(runs()).toBe(2)
  })

  test('that followed an equal one runs by itself when that one is gone from the queue', async () => {
    const { first, second, runs } = await askTwice([late, late])
    // The equal one failed as well and waits; this one wakes, sees it and follows it.
    await expect.poll(runs, { timeout: 5_000 }).toBe(2)
    await untilState(second, 'delayed')
    await untilState(first, 'delayed')
    await app.deps.queue.promote(first)
    await expect.poll(async () => (await app.deps.queue.find(first))?.follows, { timeout: 5_000 }).toBe(second)
    const bull = await createBullQueue(locateQueue())
    bull.on('error', () => {})
    await bull.remove(second)
    await bull.close()
    await app.deps.queue.promote(first)
    await untilState(first, 'done')
    expect(runs()).toBe(3)
  })

  test('that a schedule makes again and again while Hasura fails: of twenty, two run when it is back', async () => {
    let failing = true
    let runs = 0
    const job = addJob(async () => {
      runs += 1
      if (failing) return late()
      return {}
    })
    const ids: string[] = []
    for (let tick = 0; tick < 20; tick += 1) {
      const before = runs
      const { id } = await app.deps.queue.add({
        account,
        job,
        payload: { n: 0 },
        trigger: 'schedule',
        id: `${job}-${tick}`,
      })
      ids.push(id)
      await expect.poll(() => runs, { timeout: 5_000, interval: 10 }).toBe(before + 1)
      await untilState(id, 'delayed')
    }
    expect(new Set(ids).size).toBe(20)
    failing = false
    runs = 0
    const states = () => Promise.all(ids.map(async id => (await app.deps.queue.find(id))?.state))
    await expect
      .poll(
        async () => {
          for (const id of ids) await app.deps.queue.promote(id)
          return (await states()).every(state => state === 'done')
        },
        { timeout: 20_000, interval: 200 },
      )
      .toBe(true)
    expect(runs).toBeLessThanOrEqual(2)
  })

  test('that can never work fails at once', async () => {
    const job = addJob(async () => {
      throw new PermanentError('validation-failed', 'field "x" not found')
    })
    const id = await ask(job)
    await untilState(id, 'failed')
    expect(await find(id)).toMatchObject({ failedReason: 'field "x" not found', runs: [{ state: 'failed' }] })
  })

  test('that wants to be called again goes on as one run', async () => {
    let calls = 0
    const job = addJob(async () => {
      calls += 1
      return calls < 3 ? { waitMs: 10 } : { counts: { read: calls } }
    })
    const id = await ask(job)
    await untilState(id, 'done')
    expect((await find(id))?.runs).toMatchObject([{ state: 'succeeded', counts: { read: 3 } }])
  })

  test('for a job that is unknown here waits for a process that knows it', async () => {
    const { id } = await app.deps.queue.add({ account, job: 'of-a-later-version', payload: {}, trigger: 'cli' })
    await untilState(id, 'delayed')
    expect((await find(id))?.runs).toEqual([])
  })

  test('that the worker’s end interrupts is put back, recorded, and goes on from the next worker', async () => {
    let runs = 0
    const job = addJob(async ({ signal }) => {
      runs += 1
      if (runs > 1) return {}
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      return {}
    })
    const id = await ask(job)
    await expect.poll(() => runs).toBe(1)
    await consumer.stop(20)
    expect((await find(id))?.runs).toMatchObject([
      {
        state: 'interrupted',
        error: { code: 'aborted', message: 'The run was stopped, because the worker is shutting down.' },
      },
    ])
    consumer = app.consume()
    await untilState(id, 'done')
    expect((await find(id))?.runs.map(run => run.state).toSorted()).toEqual(['interrupted', 'succeeded'])
  })

  test('a run in the foreground waits for the lease and says so; what refuses it is thrown, and holds nothing', async () => {
    const free = Promise.withResolvers<void>()
    let running = false
    const job = addJob(async ({ payload }) => {
      running = true
      if (payload.n === 1) await free.promise
      return { counts: { read: payload.n } }
    })
    await ask(job, 1)
    await expect.poll(() => running).toBe(true)
    const waited = Promise.withResolvers<void>()
    const definition = app.deps.jobs.get(job) ?? expect.fail()
    const access = app.deps.accounts.get(account) ?? expect.fail()
    const run = { access, payload: { n: 2 }, full: false, signal: new AbortController().signal, onProgress() {} }
    const result = runNow(app.deps, { ...run, job: definition, onWaiting: waited.resolve })
    await waited.promise
    free.resolve()
    expect(await result).toEqual({ counts: { read: 2 } })

    const refused = addJob(async () => ({}), { requirement: { role: 'manager' } })
    const needsManager = app.deps.jobs.get(refused) ?? expect.fail()
    await expect(runNow(app.deps, { ...run, job: needsManager, onWaiting() {} })).rejects.toThrow(RefusalError)
    expect(await holds()).toEqual([])
  })
  test('a job that waits for requests of its own can’t be run in the foreground', async () => {
    const access = app.deps.accounts.get(account) ?? expect.fail()
    const job = bootstrapAccount([])
    const { signal } = new AbortController()
    const run = { job, access, payload: {}, full: false, signal, onWaiting() {}, onProgress() {} }
    await expect(runNow(app.deps, run)).rejects.toThrow(UsageError)
    await expect(runNow(app.deps, run)).rejects.toThrow('bootstrap --wait')
  })
})
