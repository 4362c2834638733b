import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import type { Serving } from '../../src/app/serve-lines.ts'
import { bootstrapAccount } from '../../src/definitions/bootstrap-account.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { PermanentError, TransientError } from '../../src/errors.ts'
import { startHousekeeping } from '../../src/serving/housekeeping.ts'
import { appTest } from '../fixtures/app-test.ts'
import { backends, type TestApp } from '../fixtures/open-test-app.ts'
import { untilAborted } from '../fixtures/until-aborted.ts'

/** What each run of the one step does, in turn; then it succeeds. */
const endings: (() => Promise<void>)[] = []
let steps = 0
const step = defineJob({
  name: 'sync-things',
  payload: z.strictObject({}),
  async run() {
    steps += 1
    await endings.shift()?.()
    return {}
  },
})

const test = appTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })
  .extend('appOptions', { scope: 'file' }, { firstLogin: null, jobs: [step, bootstrapAccount([step])] })
  .extend('serving', { auto: true }, async ({ app }, { onCleanup }) => {
    const { store } = app.deps
    await sql`insert into worker.processes (id, host, pid, expires_at)
      values (gen_random_uuid(), 'forgotten', 1, now() - interval '2 days')`.execute(store)
    const serving = await app.serve()
    onCleanup(async () => serving[Symbol.asyncDispose]())
    // Its first maintenance, which ends with such processes, must not meet an account that a test has just added.
    const forgotten = store.selectFrom('worker.processes').select('id').where('host', '=', 'forgotten')
    await expect.poll(() => forgotten.execute()).toEqual([])
    // The account that is there from the beginning has its own.
    await expect.poll(() => bootstrappedAt(app, 'default')).toBeDefined()
    return serving
  })

const bootstrap = (app: TestApp, account: string) =>
  app.operations.makeRequest({
    job: 'bootstrap-account',
    account,
    payload: undefined,
    trigger: 'bootstrap',
    caller: 'test',
  })
const stateOf = async (app: TestApp, id: string) => (await app.operations.getRequest({ id })).state
const bootstrappedAt = async (app: TestApp, account: string) =>
  (
    await app.deps.store
      .selectFrom('worker.accounts')
      .select('bootstrapped_at')
      .where('name', '=', account)
      .executeTakeFirst()
  )?.bootstrapped_at ?? undefined
const runsOf = async (app: TestApp, account: string, job: string) =>
  (await app.operations.listRuns({ job, limit: 50 })).filter(run => run.account === account)

const requestsOf = (app: TestApp, account: string, job: string) =>
  app.deps.store
    .selectFrom('worker.requests')
    .selectAll()
    .where('account', '=', account)
    .where('job', '=', job)
    .orderBy('seq')
    .execute()
/** As if the pauses after failures were over. */
const letRetry = async (app: TestApp, serving: Serving, account: string) => {
  await sql`update worker.requests set due_at = now() where account = ${account} and due_at < 'infinity'`.execute(
    app.deps.store,
  )
  serving.look()
}

describe.each(backends)('the bootstrap of an account on %s', backend => {
  test.override('backend', backend)

  test('survives a step that fails for a moment while its job is requested by another', async ({ app, serving }) => {
    const account = app.addAccount()
    const ticked = Promise.withResolvers<void>()
    endings.push(async () => {
      await ticked.promise
      throw new TransientError('timeout', 'No response from Hasura')
    })
    steps = 0
    const { id } = await bootstrap(app, account)
    await expect.poll(() => steps).toBe(1)
    const tick = await app.operations.makeRequest({
      job: 'sync-things',
      account,
      payload: undefined,
      trigger: 'schedule',
      caller: 'test',
    })
    expect(tick.absorbed).toBe(false)
    expect(await app.operations.getRequest({ id })).toMatchObject({
      state: 'waiting',
      waitsFor: 'its step sync-things',
    })
    ticked.resolve()
    await expect
      .poll(async () => (await requestsOf(app, account, 'sync-things')).map(request => request.state))
      .toEqual(['waiting', 'done'])
    await letRetry(app, serving, account)
    await expect.poll(() => stateOf(app, id)).toBe('done')
    expect(await bootstrappedAt(app, account)).toBeInstanceOf(Date)
    expect(steps).toBe(3)
  })

  test('that is asked for again meanwhile is the same', async ({ app }) => {
    const account = app.addAccount()
    const done = Promise.withResolvers<void>()
    endings.push(() => done.promise)
    steps = 0
    const first = await bootstrap(app, account)
    await expect.poll(() => steps).toBe(1)
    expect(await bootstrap(app, account)).toEqual({ id: first.id, absorbed: true })
    done.resolve()
    await expect.poll(() => stateOf(app, first.id)).toBe('done')
    expect((await runsOf(app, account, 'bootstrap-account')).map(run => run.state)).toEqual(['succeeded'])
  })

  test('stops at a step that fails for good, says where, and can be asked for again', async ({ app }) => {
    const account = app.addAccount()
    endings.push(async () => {
      throw new PermanentError('validation-failed', { found: 'field "x" not found', remedy: 'grant it' })
    })
    const { id } = await bootstrap(app, account)
    await expect.poll(() => stateOf(app, id)).toBe('failed')
    expect((await app.operations.getRequest({ id })).failedReason).toBe(
      `The bootstrap of "${account}" stopped at sync-things: field "x" not found: grant it; then run "npm run -s cli -- bootstrap --account ${account}" again`,
    )
    const again = await bootstrap(app, account)
    await expect.poll(() => stateOf(app, again.id)).toBe('done')
  })

  test('is asked for within a minute when the account was forgotten, and only then', async ({ app }) => {
    const account = app.addAccount()
    const deps = { ...app.deps, accounts: new Map([...app.deps.accounts].filter(([name]) => name === account)) }
    const pauses: { ms: number; end: () => void }[] = []
    const clock = {
      ...app.deps.clock,
      sleep: (ms: number, signal?: AbortSignal) =>
        Promise.race([untilAborted(signal), new Promise<void>(end => void pauses.push({ ms, end }))]),
    }
    await using _housekeeping = startHousekeeping({ ...deps, clock }, app.database, async () => {})
    const runs = () => runsOf(app, account, 'bootstrap-account')
    const done = () => expect.poll(() => bootstrappedAt(app, account)).toBeInstanceOf(Date)
    await done()
    const [first] = await runs()
    await expect.poll(() => pauses.length).toBe(1)
    pauses.at(-1)?.end()
    await expect.poll(() => pauses.length).toBe(2)
    expect((await runs()).map(run => run.id)).toEqual([first?.id])
    await expect.poll(() => app.operations.forget({ account, configured: true })).toBeUndefined()
    expect(await bootstrappedAt(app, account)).toBeUndefined()
    pauses.at(-1)?.end()
    await done()
    expect((await runs())[0]?.id).not.toBe(first?.id)
    expect(pauses.every(({ ms }) => ms <= 60_000)).toBe(true)
  })
})
