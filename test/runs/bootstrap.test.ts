import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { TransientError } from '../../src/errors.ts'
import { bootstrapAccount } from '../../src/jobs/bootstrap-account.ts'
import { defineJob } from '../../src/jobs/define-job.ts'
import { startHousekeeping } from '../../src/runs/housekeeping.ts'
import { openSandbox, type Sandbox } from '../fixtures/open-sandbox.ts'
import { backends, openTestApp, type TestApp } from '../fixtures/open-test-app.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await openSandbox({ hasura: { seed: false } })
})
afterAll(() => sandbox[Symbol.asyncDispose]())

const patience = { timeout: 10_000, interval: 20 }

describe.each(backends)('the bootstrap of an account on %s', backend => {
  let app: TestApp
  /** What each run of the one step does, in turn; then it succeeds. */
  const endings: (() => Promise<void>)[] = []
  let steps = 0
  beforeAll(async () => {
    const step = defineJob({
      name: 'sync-things',
      payload: z.strictObject({}),
      async run() {
        steps += 1
        await endings.shift()?.()
        return {}
      },
    })
    app = await openTestApp({ backend, sandbox, firstLogin: null, jobs: [step, bootstrapAccount([step])] })
    app.consume()
  })
  afterAll(() => app[Symbol.asyncDispose]())

  const bootstrap = (account: string) =>
    app.operations.makeRequest({ job: 'bootstrap-account', account, payload: undefined, trigger: 'bootstrap' })
  const stateOf = async (id: string) => (await app.deps.queue.find(id))?.state
  const bootstrappedAt = async (account: string) =>
    (
      await app.deps.store
        .selectFrom('worker.accounts')
        .select('bootstrapped_at')
        .where('name', '=', account)
        .executeTakeFirst()
    )?.bootstrapped_at ?? undefined
  const runsOf = async (account: string, job: string) =>
    (await app.operations.listRuns({ job, limit: 50 })).filter(run => run.account === account)

  test('survives a step that fails for a moment while an equal tick waits', async () => {
    const account = app.addAccount()
    const ticked = Promise.withResolvers<void>()
    endings.push(async () => {
      await ticked.promise
      throw new TransientError('timeout', 'No answer from Hasura.')
    })
    steps = 0
    const { id } = await bootstrap(account)
    await expect.poll(() => steps, patience).toBe(1)
    const tick = await app.deps.queue.add({
      account,
      job: 'sync-things',
      payload: {},
      trigger: 'schedule',
      id: `tick-${randomUUID()}`,
    })
    expect(tick.absorbed).toBe(false)
    ticked.resolve()
    await expect.poll(() => stateOf(tick.id), patience).toBe('done')
    await app.deps.queue.promote(`${id}-sync-things`)
    await expect.poll(() => stateOf(id), patience).toBe('done')
    expect(await bootstrappedAt(account)).toBeInstanceOf(Date)
    expect(steps).toBe(2)
  })

  test('that is asked for again meanwhile leaves no run open', async () => {
    const account = app.addAccount()
    const done = Promise.withResolvers<void>()
    endings.push(() => done.promise)
    const first = await bootstrap(account)
    await expect.poll(async () => (await runsOf(account, 'bootstrap-account'))[0]?.state, patience).toBe('waiting')
    const second = await bootstrap(account)
    expect(second.id).not.toBe(first.id)
    done.resolve()
    for (const { id } of [first, second]) {
      await expect
        .poll(
          async () => {
            await app.deps.queue.promote(id)
            return stateOf(id)
          },
          { timeout: 10_000, interval: 200 },
        )
        .toBe('done')
    }
    expect((await runsOf(account, 'bootstrap-account')).map(run => run.state)).toEqual(['succeeded', 'interrupted'])
  })

  test('is asked for within a minute when the account was forgotten, and only then', async () => {
    const account = app.addAccount()
    const deps = { ...app.deps, accounts: new Map([...app.deps.accounts].filter(([name]) => name === account)) }
    const pauses: { ms: number; end: () => void }[] = []
    const clock = {
      now: app.deps.clock.now,
      sleep: (ms: number, signal?: AbortSignal) =>
        new Promise<void>((resolve, reject) => {
          pauses.push({ ms, end: resolve })
          signal?.addEventListener('abort', () => reject(signal.reason))
        }),
    }
    await using _housekeeping = startHousekeeping({ ...deps, clock })
    const runs = () => runsOf(account, 'bootstrap-account')
    // Its record is closed a moment after its last transaction, and its lease a moment later still.
    const done = () => expect.poll(async () => (await runs()).map(run => run.state), patience).toEqual(['succeeded'])
    await done()
    expect(await bootstrappedAt(account)).toBeInstanceOf(Date)
    const [first] = await runs()
    pauses.at(-1)?.end()
    await expect.poll(() => pauses.length, patience).toBe(2)
    expect((await runs()).map(run => run.id)).toEqual([first?.id])
    await vi.waitFor(() => app.operations.forget(account), patience)
    expect(await bootstrappedAt(account)).toBeUndefined()
    pauses.at(-1)?.end()
    await done()
    expect((await runs())[0]?.id).not.toBe(first?.id)
    expect(pauses.every(({ ms }) => ms <= 60_000)).toBe(true)
  })
})
