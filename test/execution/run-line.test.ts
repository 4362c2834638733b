import { randomUUID } from 'node:crypto'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { bootstrapAccount } from '../../src/definitions/bootstrap-account.ts'
import { defineJob, type JobContext, type JobDefinition, type JobResult } from '../../src/definitions/define-job.ts'
import {
  CancelledError,
  LeaseLostError,
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  TransientError,
  UsageError,
} from '../../src/errors.ts'
import { runLine } from '../../src/execution/run-line.ts'
import { runNow } from '../../src/execution/run-now.ts'
import { maxUnknownFailures } from '../../src/runs/ending.ts'
import { appTest } from '../fixtures/app-test.ts'
import { backends } from '../fixtures/open-test-app.ts'
import { untilAborted } from '../fixtures/until-aborted.ts'

/** What a job returns whose types nobody has checked. */
const unchecked = z.custom<JobResult>()

/** A call that nobody awaits. */
function lost(call: Promise<unknown>): JobResult {
  call.catch(() => {})
  return {}
}

type Run = (context: JobContext<{ n: number }>) => Promise<JobResult | undefined>

const test = appTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })
  .extend('appOptions', { scope: 'file' }, { firstLogin: null, jobs: [] })
  .extend('serving', { auto: true }, async ({ app }, { onCleanup }) => {
    const serving = await app.serve()
    onCleanup(async () => serving[Symbol.asyncDispose]())
    return serving
  })
  .extend('addJob', ({ app }) => (run: Run, more: Pick<JobDefinition, 'requirement'> = {}): string => {
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
  })
  .extend(
    'ask',
    ({ app, account }) =>
      async (job: string, n = 0) =>
        (await app.operations.makeRequest({ job, account, payload: { n }, trigger: 'cli', caller: 'test' })).id,
  )
  .extend(
    'find',
    ({ app }) =>
      (id: string) =>
        app.operations.getRequest({ id }),
  )
  .extend(
    'untilState',
    ({ find }) =>
      (id: string, state: string) =>
        expect.poll(async () => (await find(id))?.state).toBe(state),
  )
  .extend(
    'holds',
    ({ app, account }) =>
      async () =>
        (await app.operations.listHolds()).filter(hold => hold.account === account),
  )
  /** As if the pause of its holds were over. */
  .extend('letProbe', ({ account, app, serving }) => async () => {
    await sql`update worker.holds set probe_at = now() - interval '1 second' where account = ${account}`.execute(
      app.deps.store,
    )
    serving.look()
  })
  /** As if the pause after a failure were over. */
  .extend('letRetry', ({ app, serving }) => async (id: string) => {
    await sql`update worker.requests set due_at = now() - interval '1 second' where id = ${id} and due_at is not null`.execute(
      app.deps.store,
    )
    serving.look()
  })
  .extend(
    'untilHeld',
    ({ holds }) =>
      () =>
        expect.poll(async () => (await holds()).length).toBe(1),
  )
  .extend(
    'untilRuns',
    ({ find }) =>
      (id: string, count: number) =>
        expect.poll(async () => (await find(id))?.runs.length).toBeGreaterThanOrEqual(count),
  )
  .extend(
    'logins',
    ({ app, account }) =>
      () =>
        app.idp.tokenRequests.filter(({ clientId }) => clientId === account).length,
  )
  /** A request whose run is aborted for the reason before its job ends as told. */
  .extend(
    'runAborted',
    ({ app, account, serving, addJob, ask }) =>
      async (reason: Error, end: () => Promise<JobResult>): Promise<string> => {
        await serving[Symbol.asyncDispose]()
        const hand = new AbortController()
        const job = addJob(async () => {
          hand.abort(reason)
          return await end()
        })
        const id = await ask(job)
        const takeInHand = () => ({ runId: randomUUID(), signal: hand.signal, begin() {}, [Symbol.dispose]() {} })
        const aborts = { ...app.deps, process: { ...app.deps.process, takeInHand } }
        await runLine(aborts, { account, job }, new AbortController().signal, () => 'own')
        return id
      },
  )
  /** Its run is going when an equal one is made, and then ends as told; so do the runs after it. */
  .extend('askTwice', ({ addJob, ask }) => async (endings: readonly (() => Promise<JobResult>)[]) => {
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
  })

describe.each(backends)('a request on %s', backend => {
  test.override('backend', backend)

  test('waits for the run of its line, in turn, and says for what', async ({ addJob, ask, find, untilState }) => {
    const gates = new Map<number, PromiseWithResolvers<void>>([1, 2, 3].map(n => [n, Promise.withResolvers<void>()]))
    const started: number[] = []
    const job = addJob(async ({ payload }) => {
      started.push(payload.n)
      await gates.get(payload.n)?.promise
      return {}
    })
    const ids: string[] = []
    for (const n of [1, 2, 3]) {
      ids.push(await ask(job, n))
      if (n === 1) await expect.poll(() => started).toEqual([1])
    }
    expect(await find(ids[2] ?? '')).toMatchObject({
      state: 'waiting',
      waitsFor: expect.stringContaining('active now'),
    })
    for (const n of [1, 2, 3]) {
      gates.get(n)?.resolve()
      await untilState(ids[n - 1] ?? '', 'done')
    }
    expect(started).toEqual([1, 2, 3])
  })

  test.skipIf(backend === 'embedded')(
    'says which open transaction keeps it from running',
    async ({ app, account, addJob, ask, find, untilState }) => {
      const asked = Promise.withResolvers<void>()
      const job = addJob(async () => {
        await asked.promise
        return {}
      })
      const [first, second] = [await ask(job, 1), await ask(job, 2)]
      await app.deps.store.transaction().execute(async tx => {
        const { rows } = await sql<{ pid: number }>`
        select pg_backend_pid() as pid, worker.request(${job}, ${account}, '{"n":2}')`.execute(tx)
        asked.resolve()
        await untilState(first, 'done')
        expect((await find(second))?.waitsFor).toContain(`see process ${rows[0]?.pid} in pg_stat_activity`)
      })
      await untilState(second, 'done')
    },
  )

  test('that the gate refuses waits under a hold, and nobody logs in until the probe is due', async ({
    app,
    account,
    addJob,
    ask,
    untilHeld,
    untilState,
    find,
    logins,
    serving,
  }) => {
    app.idp.setRoles(account, [])
    const job = addJob(async () => ({}), { requirement: { role: 'viewer' } })
    const first = await ask(job, 1)
    await untilHeld()
    await untilState(first, 'waiting')
    expect(await find(first)).toMatchObject({
      waitsFor: expect.stringContaining('a hold until'),
      runs: [{ state: 'refused' }],
    })
    await sql`update worker.holds set probe_at = now() + interval '1 hour' where account = ${account}`.execute(
      app.deps.store,
    )
    const before = logins()
    const second = await ask(job, 2)
    serving.look()
    const bystander = app.addAccount()
    await app.operations.makeRequest({ job, account: bystander, payload: { n: 1 }, trigger: 'cli', caller: 'test' })
    await expect
      .poll(async () => (await app.operations.listRuns({ job, limit: 9 })).some(run => run.account === bystander))
      .toBe(true)
    expect(logins()).toBe(before)
    expect((await find(second))?.runs).toEqual([])
  })

  test('under a hold, one request is the probe, and all resume when the cause is gone', async ({
    addJob,
    ask,
    untilHeld,
    app,
    letProbe,
    untilState,
    holds,
  }) => {
    let mended = false
    const job = addJob(async () => {
      if (mended) return {}
      throw new RefusalError('hasura', 'account', 'Somebody has to fix this')
    })
    const ids = await Promise.all([1, 2, 3, 4, 5].map(n => ask(job, n)))
    await untilHeld()
    const refused = async () =>
      (await app.operations.listRuns({ job, limit: 100 })).filter(run => run.state === 'refused').length
    expect(await refused()).toBe(1)
    for (const probes of [1, 2]) {
      await letProbe()
      await expect.poll(refused).toBe(1 + probes)
    }
    for (const id of ids) await untilState(id, 'waiting')
    mended = true
    await letProbe()
    for (const id of ids) await untilState(id, 'done')
    expect(await holds()).toEqual([])
  })

  // Takes the pause's five seconds.
  test.runIf(backend === 'embedded')(
    'that met an outage waits under a hold, which lifts itself',
    async ({ addJob, ask, untilHeld, find, untilState, holds }) => {
      let down = true
      const job = addJob(async () => {
        if (down) throw new OutageError('network', 'account', 'Nobody answers')
        return {}
      })
      const id = await ask(job)
      await untilHeld()
      expect((await find(id))?.runs).toMatchObject([{ state: 'interrupted', error: { code: 'network' } }])
      down = false
      await untilState(id, 'done')
      expect(await holds()).toEqual([])
    },
  )

  test('lifts what held it as soon as a run comes through, also one that waits for a remote export', async ({
    addJob,
    ask,
    untilHeld,
    find,
    holds,
    letProbe,
  }) => {
    let down = true
    const job = addJob(async () => {
      if (down) throw new OutageError('http-502', 'job', 'A web page answers')
      return { waitMs: 3_600_000 }
    })
    const id = await ask(job)
    await untilHeld()
    down = false
    await letProbe()
    await expect.poll(holds).toEqual([])
    expect(await find(id)).toMatchObject({ state: 'waiting' })
  })

  test('that lost its role during a run is held, but not the account’s other jobs', async ({
    addJob,
    ask,
    untilHeld,
    holds,
    untilState,
    letProbe,
  }) => {
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
    await untilState(id, 'done')
    expect(await holds()).toEqual([])
  })

  test('that is rate limited uses no attempt, and the whole account waits as long as the API asks', async ({
    addJob,
    ask,
    untilRuns,
    serving,
    untilState,
    find,
    untilHeld,
    account,
    app,
  }) => {
    const letPauseEnd = async () => {
      await sql`update worker.holds set asked_until = now(), probe_at = now() where account = ${account}`.execute(
        app.deps.store,
      )
      serving.look()
    }
    let limits = 3
    const job = addJob(async () => {
      limits -= 1
      if (limits >= 0) throw new RateLimitedError('Hasura asks for a pause', 20_000)
      return {}
    })
    const id = await ask(job)
    for (const runs of [1, 2, 3]) {
      await untilRuns(id, runs)
      await untilState(id, 'waiting')
      await letPauseEnd()
    }
    await untilState(id, 'done')
    expect((await find(id))?.runs.map(run => run.attempt)).toEqual([1, 1, 1, 1])
    let limited = true
    const asking = addJob(async () => {
      if (limited) throw new RateLimitedError('Hasura asks for a pause', 3_600_000)
      return {}
    })
    const first = await ask(asking)
    await untilHeld()
    const second = await ask(job, 7)
    await expect.poll(() => find(second)).toMatchObject({ state: 'waiting', hold: { code: 'rate-limited' } })
    limited = false
    await letPauseEnd()
    for (const waiting of [first, second]) await untilState(waiting, 'done')
  })

  test('is retried after unexpected failures, and fails with the last error', async ({
    addJob,
    ask,
    untilRuns,
    find,
    letRetry,
    untilState,
  }) => {
    const job = addJob(async () => {
      throw new SyntaxError('a fault of the job')
    })
    const id = await ask(job)
    for (let failures = 1; failures < maxUnknownFailures; failures += 1) {
      await untilRuns(id, failures)
      await expect.poll(async () => (await find(id))?.failures).toBe(failures)
      await letRetry(id)
    }
    await untilState(id, 'failed')
    const request = await find(id)
    expect(request?.failedReason).toContain('a fault of the job')
    expect(request?.runs.map(run => run.attempt).toSorted((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  })

  const late = async () => {
    throw new TransientError('timeout', 'No response from Hasura')
  }
  const never = async () => {
    throw new PermanentError('validation-failed', 'field "x" not found')
  }

  test('that meets what a library says of a server that is away is not given up after so few', async ({
    addJob,
    ask,
    find,
    letRetry,
    untilState,
  }) => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), {
      code: 'ECONNREFUSED',
      syscall: 'connect',
    })
    let failing = true
    const job = addJob(async () => {
      if (failing) throw refused
      return {}
    })
    const id = await ask(job)
    for (let failures = 1; failures <= maxUnknownFailures; failures += 1) {
      await expect.poll(async () => (await find(id))?.failures, { interval: 20 }).toBe(failures)
      await letRetry(id)
    }
    failing = false
    await untilState(id, 'done')
  })

  test('that failed while an equal one was made is superseded by it, and callers get that one', async ({
    askTwice,
    find,
    letRetry,
    untilState,
    app,
  }) => {
    const { job, first, second, runs } = await askTwice([late])
    await expect.poll(async () => (await find(first))?.id).toBe(second)
    await letRetry(second)
    await untilState(first, 'done')
    expect(runs()).toBe(2)
    expect(await app.operations.listRuns({ job, limit: 9 })).toMatchObject([
      { requestId: second, state: 'succeeded' },
      { requestId: first, state: 'failed' },
    ])
  })

  test('that failed while an equal one was made fails as that one does', async ({
    askTwice,
    find,
    letRetry,
    untilState,
  }) => {
    const { first, second, runs } = await askTwice([late, never])
    await expect.poll(async () => (await find(first))?.id).toBe(second)
    await letRetry(second)
    await untilState(first, 'failed')
    expect(await find(first)).toMatchObject({ id: second, failedReason: 'field "x" not found' })
    expect(runs()).toBe(2)
  })

  test('that a schedule makes again and again while Hasura fails: of twenty, two run at most when it is back', async ({
    addJob,
    ask,
    letRetry,
    untilState,
  }) => {
    let failing = true
    let runs = 0
    const job = addJob(async () => {
      runs += 1
      return failing ? late() : {}
    })
    const first = await ask(job)
    await expect.poll(() => runs).toBe(1)
    for (let tick = 0; tick < 20; tick += 1) await ask(job)
    failing = false
    runs = 0
    await letRetry(first)
    await untilState(first, 'done')
    expect(runs).toBeLessThanOrEqual(2)
  })

  test('that can never work fails at once', async ({ addJob, ask, untilState, find }) => {
    const job = addJob(never)
    const id = await ask(job)
    await untilState(id, 'failed')
    expect(await find(id)).toMatchObject({ failedReason: 'field "x" not found', runs: [{ state: 'failed' }] })
  })

  test('whose payload its job cannot read fails with a sentence', async ({
    addJob,
    account,
    app,
    untilState,
    find,
  }) => {
    const job = addJob(async () => ({}))
    const { rows } = await sql<{
      id: string
    }>`select worker.request(${job}, ${account}, '{"n": "many"}') as id`.execute(app.deps.store)
    const id = rows[0]?.id ?? ''
    await untilState(id, 'failed')
    expect((await find(id))?.failedReason).toContain('is invalid (n:')
  })

  test('whose payload makes the schema of its job throw is refused, and made by SQL it fails at once', async ({
    account,
    app,
    untilState,
    find,
  }) => {
    const job = `job-${randomUUID()}`
    const payload = z.strictObject({ since: z.string().transform(BigInt) })
    app.addJob(defineJob({ name: job, payload, run: async () => ({}) }))
    const asked = app.operations.makeRequest({ job, account, payload: { since: 'canary' }, trigger: 'http' })
    await expect(asked).rejects.toThrow(UsageError)
    const { rows } = await sql<{
      id: string
    }>`select worker.request(${job}, ${account}, '{"since": "canary"}') as id`.execute(app.deps.store)
    const id = rows[0]?.id ?? ''
    await untilState(id, 'failed')
    expect(await find(id)).toMatchObject({
      failedReason: expect.stringContaining('is invalid (since: its schema threw SyntaxError)'),
      runs: [{ error: { code: 'payload' } }],
    })
  })

  test('whose payload a driver of SQL has encoded twice says so', async ({ account, app, untilState, find }) => {
    const job = `job-${randomUUID()}`
    app.addJob(defineJob({ name: job, payload: z.strictObject({ since: z.string() }), run: async () => ({}) }))
    const payload = JSON.stringify(JSON.stringify({ since: '2026-01-01' }))
    const made = sql<{ id: string }>`select worker.request(${job}, ${account}, ${payload}) as id`
    const id = (await made.execute(app.deps.store)).rows[0]?.id ?? ''
    await untilState(id, 'failed')
    expect(await find(id)).toMatchObject({
      failedReason: expect.stringContaining('it is a text that holds JSON, as if it was encoded twice'),
    })
  })

  test('that wants to be called again runs until it is done', async ({
    addJob,
    ask,
    untilState,
    untilRuns,
    letRetry,
    find,
  }) => {
    let calls = 0
    const job = addJob(async () => {
      calls += 1
      return calls < 3 ? { waitMs: 3_600_000 } : { counts: { read: calls } }
    })
    const id = await ask(job)
    for (const runs of [1, 2]) {
      await untilRuns(id, runs)
      await untilState(id, 'waiting')
      await letRetry(id)
    }
    await untilState(id, 'done')
    const runs = (await find(id))?.runs ?? []
    expect(runs).toHaveLength(3)
    expect(runs[0]).toMatchObject({ state: 'succeeded', counts: { read: 3 }, attempt: 1 })
  })

  test('that wants to be called again tells when, and blames no failure', async ({ addJob, ask, find, untilRuns }) => {
    const id = await ask(addJob(async () => ({ waitMs: 3_600_000 })))
    await untilRuns(id, 1)
    await expect
      .poll(async () => (await find(id))?.waitsFor)
      .toMatch(/^\d{4}-\d\d-\d\dT[\d:]+Z, the time for which its last run asked$/)
  })

  test('whose job returns what is no result fails at once, because its work is done', async ({
    addJob,
    ask,
    untilState,
    find,
  }) => {
    const job = addJob(async () => unchecked.parse({ counts: { updated: 5n } }))
    const id = await ask(job)
    await untilState(id, 'failed')
    expect(await find(id)).toMatchObject({
      failedReason: expect.stringContaining('(number expected at counts.updated)'),
      runs: [{ state: 'failed', error: { code: 'result' } }],
    })
  })

  test.for<[string, Run]>([
    ['transaction', async ({ transaction }) => lost(transaction(tx => sql`select pg_sleep(0)`.execute(tx)))],
    ['statement', async ({ statement }) => lost(statement(held => sql`select 1 where ${held}`))],
  ])('whose job does not await context.%s fails at once', async ([used, run], { addJob, ask, untilState, find }) => {
    const job = addJob(run)
    const request = await ask(job)
    await untilState(request, 'failed')
    expect(await find(request)).toMatchObject({
      failedReason: expect.stringContaining(`${job} returned while context.${used} was still running`),
      runs: [{ state: 'failed', error: { code: 'not-awaited' } }],
    })
  })

  test('whose job writes after its end is told so, not that another run has taken over', async ({
    addJob,
    ask,
    untilState,
  }) => {
    const over = Promise.withResolvers<void>()
    const written = Promise.withResolvers<unknown>()
    const job = addJob(async ({ statement }) => {
      const write = async () => {
        await over.promise
        await statement(held => sql`select 1 where ${held}`)
      }
      written.resolve(expect(write()).rejects.toMatchObject({ code: 'not-awaited' }))
      return {}
    })
    await untilState(await ask(job), 'done')
    over.resolve()
    await written.promise
  })

  test('whose job returns nothing is done', async ({ addJob, ask, untilState, find }) => {
    const id = await ask(addJob(async () => {}))
    await untilState(id, 'done')
    expect((await find(id))?.runs).toMatchObject([{ state: 'succeeded', counts: null }])
  })

  test('with a step that is no job of the account fails at once', async ({ addJob, ask, untilState, find }) => {
    const id = await ask(addJob(async () => ({ steps: ['of-another-project'] })))
    await untilState(id, 'failed')
    expect(await find(id)).toMatchObject({
      failedReason: expect.stringContaining('Step "of-another-project"'),
      runs: [{ error: { code: 'steps' } }],
    })
  })

  test('for a job that is unknown here waits for a process that knows it, and says so', async ({
    account,
    app,
    find,
  }) => {
    const { rows } = await sql<{ id: string }>`select worker.request('of-a-later-version', ${account}) as id`.execute(
      app.deps.store,
    )
    const report = await find(rows[0]?.id ?? '')
    expect(report).toMatchObject({ state: 'waiting', waitsFor: expect.stringContaining('none is running'), runs: [] })
  })

  test('that the worker’s end interrupts is put back, recorded, and runs in the next worker', async ({
    addJob,
    ask,
    serving,
    find,
    app,
    untilState,
  }) => {
    let runs = 0
    const job = addJob(async ({ signal }) => {
      runs += 1
      if (runs > 1) return {}
      await untilAborted(signal)
      return {}
    })
    const id = await ask(job)
    await expect.poll(() => runs).toBe(1)
    await serving[Symbol.asyncDispose]()
    expect(await find(id)).toMatchObject({
      state: 'waiting',
      runs: [{ state: 'interrupted', error: { code: 'aborted', message: expect.stringContaining('shutting down') } }],
    })
    await using _again = await app.serve()
    await untilState(id, 'done')
    expect((await find(id))?.runs.map(run => run.state).toSorted()).toEqual(['interrupted', 'succeeded'])
  })

  test('that an operator cancels ends: a waiting one at once, a running one when its run has stopped', async ({
    addJob,
    ask,
    app,
    serving,
    untilState,
    find,
  }) => {
    let running = 0
    const job = addJob(async ({ signal }) => {
      running += 1
      await untilAborted(signal)
      return {}
    })
    const first = await ask(job, 1)
    await expect.poll(() => running).toBe(1)
    const second = await ask(job, 2)
    expect(await app.operations.cancelRequest({ id: second })).toEqual({ state: 'cancelled' })
    expect(await app.operations.cancelRequest({ id: first })).toEqual({ state: 'running' })
    serving.look()
    await untilState(first, 'cancelled')
    expect(running).toBe(1)
    expect((await find(first))?.runs).toMatchObject([{ state: 'cancelled' }])
    const again = await app.operations.retryRequest({ id: first })
    await expect.poll(() => running).toBe(2)
    await app.operations.cancelRequest({ id: again.id })
    serving.look()
    await untilState(again.id, 'cancelled')
  })

  test('a run in the foreground waits for the run of its line and says so; what refuses it is thrown, and holds nothing', async ({
    addJob,
    ask,
    app,
    account,
    holds,
  }) => {
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
    const run = { access, payload: { n: 2 }, signal: new AbortController().signal, onProgress() {} }
    const result = runNow(app.deps, { ...run, job: definition, onWaiting: waited.resolve })
    await waited.promise
    free.resolve()
    expect(await result).toEqual({ counts: { read: 2 } })

    const refused = addJob(async () => ({}), { requirement: { role: 'manager' } })
    const needsManager = app.deps.jobs.get(refused) ?? expect.fail()
    await expect(runNow(app.deps, { ...run, job: needsManager, onWaiting() {} })).rejects.toThrow(RefusalError)
    expect(await holds()).toEqual([])
  })

  test.skipIf(backend === 'embedded').for([
    { looks: 3, told: 0 },
    { looks: 12, told: 1 },
  ])(
    'a run in the foreground whose line is only looked at, for $looks looks, says $told times that it waits',
    async ({ looks, told }, { serving, addJob, app, account }) => {
      await serving[Symbol.asyncDispose]()
      const job = addJob(async () => ({ counts: {} }))
      const { store } = app.deps
      await sql`insert into worker.leases (account, job, fence) values (${account}, ${job}, 1)`.execute(store)
      const looking = await store.startTransaction().execute()
      await sql`select from worker.leases where account = ${account} and job = ${job} for update`.execute(looking)
      let looked = 0
      const sleep = async (): Promise<void> => {
        looked += 1
        if (looked === looks) await looking.rollback().execute()
      }
      const waits: true[] = []
      const definition = app.deps.jobs.get(job) ?? expect.fail()
      const access = app.deps.accounts.get(account) ?? expect.fail()
      const run = { access, payload: {}, signal: new AbortController().signal, onProgress() {} }
      const clock = { ...app.deps.clock, sleep }
      await runNow({ ...app.deps, clock }, { ...run, job: definition, onWaiting: () => void waits.push(true) })
      expect({ looked, told: waits.length }).toEqual({ looked: looks, told })
    },
  )

  test('a run in the foreground waits a day at most, whatever its job asks for', async ({ addJob, app, account }) => {
    let runs = 0
    const job = addJob(async () => {
      runs += 1
      return runs === 1 ? { waitMs: 30 * 86_400_000 } : { counts: {} }
    })
    const pauses: number[] = []
    const clock = { ...app.deps.clock, sleep: async (ms: number) => void pauses.push(ms) }
    const definition = app.deps.jobs.get(job) ?? expect.fail()
    const access = app.deps.accounts.get(account) ?? expect.fail()
    const { signal } = new AbortController()
    const run = { job: definition, access, payload: {}, signal, onWaiting() {}, onProgress() {} }
    await runNow({ ...app.deps, clock }, run)
    expect(pauses).toEqual([86_400_000])
  })

  test('can be cancelled when it follows another one on its line, and in the foreground', async ({
    serving,
    addJob,
    ask,
    app,
    account,
    untilState,
  }) => {
    const bothAsked = Promise.withResolvers<void>()
    let waiting = 0
    const job = addJob(async ({ payload, signal }) => {
      await bothAsked.promise
      if (payload.n === 1) return {}
      waiting += 1
      return untilAborted(signal)
    })
    const first = await ask(job, 1)
    const second = await ask(job, 2)
    bothAsked.resolve()
    await expect.poll(() => waiting).toBe(1)
    expect(await app.operations.cancelRequest({ id: second })).toEqual({ state: 'running' })
    await untilState(second, 'cancelled')
    await untilState(first, 'done')

    await serving[Symbol.asyncDispose]()
    const definition = app.deps.jobs.get(job) ?? expect.fail()
    const access = app.deps.accounts.get(account) ?? expect.fail()
    const run = { access, payload: { n: 3 }, signal: new AbortController().signal, onProgress() {}, onWaiting() {} }
    const refused = expect(runNow(app.deps, { ...run, job: definition })).rejects.toThrow('cancelled')
    await expect.poll(() => waiting).toBe(2)
    const { rows } = await sql<{ id: string }>`
      select id from worker.requests where job = ${job} and state = 'running'`.execute(app.deps.store)
    expect(await app.operations.cancelRequest({ id: rows[0]?.id ?? '' })).toEqual({ state: 'running' })
    await refused
  })

  test('a job that waits for requests of its own can’t be run in the foreground', async ({ app, account }) => {
    const access = app.deps.accounts.get(account) ?? expect.fail()
    const job = bootstrapAccount([])
    const { signal } = new AbortController()
    const run = { job, access, payload: {}, signal, onWaiting() {}, onProgress() {} }
    await expect(runNow(app.deps, run)).rejects.toThrow(UsageError)
    await expect(runNow(app.deps, run)).rejects.toThrow('bootstrap --wait')
  })

  test('is not claimed by a process that can’t be heard, whose runs would be aborted as they begin', async ({
    serving,
    addJob,
    ask,
    app,
    account,
    find,
  }) => {
    await serving[Symbol.asyncDispose]()
    const job = addJob(async () => ({}))
    const id = await ask(job)
    const takeInHand = () => ({
      runId: randomUUID(),
      signal: AbortSignal.abort(new Error('silent')),
      begin() {},
      [Symbol.dispose]() {},
    })
    const deaf = { ...app.deps, process: { ...app.deps.process, takeInHand } }
    expect(await runLine(deaf, { account, job }, new AbortController().signal, () => 'own')).toBe(false)
    expect(await find(id)).toMatchObject({ state: 'waiting', runs: [] })
  })

  test('that the store doesn’t know any more is aborted, and its request runs again', async ({
    addJob,
    ask,
    app,
    untilState,
  }) => {
    const { store } = app.deps
    let told: unknown
    let begun = 0
    const job = addJob(async ({ signal }) => {
      begun += 1
      if (begun > 1) return {}
      const { rows } = await sql<{ id: string }>`delete from worker.runs where job = ${job} returning id`.execute(store)
      await sql`update worker.leases set run_id = null, process = null, slot = null where job = ${job}`.execute(store)
      await sql`update worker.requests set state = 'waiting', run_id = null where job = ${job}`.execute(store)
      expect(rows).toHaveLength(1)
      return untilAborted(signal).catch(reason => {
        told = reason
        throw reason
      })
    })
    await untilState(await ask(job), 'done')
    await expect.poll(() => told).toBeInstanceOf(LeaseLostError)
    expect(begun).toBe(2)
  })

  test('that was aborted is followed by none of its line: nobody may hear this process', async ({
    serving,
    addJob,
    ask,
    app,
    account,
    find,
  }) => {
    await serving[Symbol.asyncDispose]()
    const hand = new AbortController()
    const job = addJob(async ({ signal }) => {
      hand.abort(new LeaseLostError('Nobody hears this process'))
      signal.throwIfAborted()
      return {}
    })
    const ids = [await ask(job, 1), await ask(job, 2)]
    const takeInHand = () => ({ runId: randomUUID(), signal: hand.signal, begin() {}, [Symbol.dispose]() {} })
    const fallsSilent = { ...app.deps, process: { ...app.deps.process, takeInHand } }
    expect(await runLine(fallsSilent, { account, job }, new AbortController().signal, () => 'own')).toBe(true)
    expect(await Promise.all(ids.map(find))).toMatchObject([
      { state: 'waiting', runs: [{ state: 'interrupted' }] },
      { state: 'waiting', runs: [] },
    ])
  })

  test.for([
    { why: 'its process stops', reason: new DOMException('It stops', 'AbortError'), state: 'waiting' },
    { why: 'nobody hears its process', reason: new LeaseLostError('Nobody hears it'), state: 'done' },
    { why: 'an operator cancels it', reason: new CancelledError(), state: 'cancelled' },
  ])('whose job returns after $why is $state', async ({ reason, state }, { runAborted, find }) => {
    const id = await runAborted(reason, async () => ({ counts: { read: 3 } }))
    const run = { waiting: 'interrupted', done: 'succeeded', cancelled: 'cancelled' }[state]
    expect(await find(id)).toMatchObject({ state, failures: 0, runs: [{ state: run }] })
  })

  test('that was aborted says why, not what its job made of it', async ({ runAborted, find }) => {
    const id = await runAborted(new DOMException('It stops', 'AbortError'), () => Promise.reject(new Error('canary')))
    expect(await find(id)).toMatchObject({
      failures: 0,
      runs: [{ state: 'interrupted', error: { message: 'It stops' } }],
    })
  })

  test('a run in the foreground whose job returns after it was interrupted fails', async ({ addJob, app, account }) => {
    const stop = new AbortController()
    const name = addJob(async () => {
      stop.abort(new DOMException('SIGINT was received', 'AbortError'))
      return { counts: { read: 3 } }
    })
    const job = app.deps.jobs.get(name) ?? expect.fail()
    const access = app.deps.accounts.get(account) ?? expect.fail()
    const run = { job, access, payload: {}, signal: stop.signal, onWaiting() {}, onProgress() {} }
    await expect(runNow(app.deps, run)).rejects.toThrow('SIGINT was received')
    expect(await app.operations.listRuns({ job: name })).toMatchObject([{ state: 'interrupted' }])
  })

  test('has a signal for each run, which ends with it: what a job left there isn’t kept', async ({
    serving,
    addJob,
    ask,
    app,
    account,
  }) => {
    await serving[Symbol.asyncDispose]()
    const signals: AbortSignal[] = []
    const name = addJob(async ({ signal }) => {
      signals.push(signal)
      return {}
    })
    const stop = new AbortController()
    await ask(name)
    await runLine(app.deps, { account, job: name }, stop.signal, () => 'own')
    const job = app.deps.jobs.get(name) ?? expect.fail()
    const access = app.deps.accounts.get(account) ?? expect.fail()
    await runNow(app.deps, { job, access, payload: {}, signal: stop.signal, onWaiting() {}, onProgress() {} })
    stop.abort()
    expect(signals.map(({ aborted }) => aborted)).toEqual([false, false])
  })

  test('is taken by nobody who has stopped, also when a renewal comes late', async ({ serving, app }) => {
    await serving[Symbol.asyncDispose]()
    await serving.renew()
    const { rows } = await sql`select from worker.served_lines where process = ${app.deps.process.id}`.execute(
      app.deps.store,
    )
    expect(rows).toEqual([])
  })
})
