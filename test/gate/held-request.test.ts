import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { type Clock, systemClock } from '../../src/clock.ts'
import { OutageError } from '../../src/errors.ts'
import { findHold, placeHold } from '../../src/gate/holds.ts'
import { defineJob } from '../../src/jobs/define-job.ts'
import { firstLogin } from '../../src/jobs/first-login.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { runPull } from '../fixtures/run-pull.ts'

/** The pauses before a query is tried again add up to seconds; nothing here depends on their length. */
const hasty: Clock = { now: Date.now, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 100), signal) }

let app: TestApp
beforeAll(async () => {
  app = await openTestApp({
    clock: hasty,
    jobs: ['edit', 'look'].map(name =>
      defineJob({
        name,
        requirement: { role: name === 'edit' ? 'editor' : 'viewer' },
        payload: z.strictObject({}),
        async run() {
          return {}
        },
      }),
    ),
  })
  app.consume()
})
afterAll(() => app[Symbol.asyncDispose]())

async function enqueue(account: string, job: string): Promise<string> {
  const { id } = await app.operations.makeRequest({ job, account, payload: undefined, trigger: 'cli' })
  return id
}

async function stateOf(id: string) {
  const report = await app.operations.findRequest(id)
  return { state: report?.state, hold: report?.hold?.code, runs: report?.runs.map(run => run.state).toReversed() }
}

/** As if the pause were over: whoever waits for it is woken by the queue a little later. */
async function endPause(account: string, ids: readonly string[]): Promise<void> {
  await app.deps.store
    .updateTable('worker.holds')
    .set({ probe_at: new Date(0) })
    .where('account', '=', account)
    .execute()
  for (const id of ids) await app.deps.queue.promote(id)
}

test('a hold that a run met is lifted by a run that came through, and by none that only looked', async () => {
  const account = app.addAccount()
  const job = defineJob({ name: 'look-only', payload: z.strictObject({}), canDryRun: true, run: async () => ({}) })
  app.addJob(job)
  const { store } = app.deps
  await placeHold(store, account, job.name, new OutageError('network', 'job', 'Nobody answers'), 'run', false)
  await runPull(app, job, account, { dryRun: true })
  expect(await findHold(store, account, job.name)).toMatchObject({ code: 'network' })
  await runPull(app, job, account)
  expect(await findHold(store, account, job.name)).toBeUndefined()
})

test('an outage that several runs meet at once is one hold, with the pause of the first', async () => {
  const account = app.addAccount()
  const release = Promise.withResolvers<void>()
  const started = new Set<string>()
  const ids: string[] = []
  for (const name of ['meet-a', 'meet-b', 'meet-c']) {
    app.addJob(
      defineJob({
        name,
        payload: z.strictObject({}),
        async run() {
          started.add(name)
          await release.promise
          throw new OutageError('network', 'account', 'Nobody answers')
        },
      }),
    )
    ids.push(await enqueue(account, name))
  }
  await expect.poll(() => started.size, patience).toBe(3)
  release.resolve()
  for (const id of ids) {
    await expect.poll(() => stateOf(id), patience).toEqual({ state: 'delayed', hold: 'network', runs: ['interrupted'] })
  }
  const holds = await app.deps.store
    .selectFrom('worker.holds')
    .select('probes')
    .where('account', '=', account)
    .execute()
  expect(holds).toEqual([{ probes: 0 }])
})

const patience = { timeout: 15_000, interval: 50 }

test('a request whose role is missing is held, holds no other job, and goes on by itself once it is granted', async () => {
  const account = app.addAccount({ roles: ['viewer'] })
  const id = await enqueue(account, 'edit')
  await expect.poll(() => stateOf(id), patience).toEqual({ state: 'delayed', hold: 'job-roles', runs: ['refused'] })
  const looking = await enqueue(account, 'look')
  await expect.poll(() => stateOf(looking), patience).toMatchObject({ state: 'done' })

  app.idp.setRoles(account, ['viewer', 'editor'])
  await endPause(account, [id])
  await expect
    .poll(() => stateOf(id), patience)
    .toEqual({ state: 'done', hold: undefined, runs: ['refused', 'succeeded'] })
  expect((await app.operations.listHolds()).filter(hold => hold.account === account)).toEqual([])
})

test('an account whose client is refused waits as a whole, asks little, and goes on as a whole', async () => {
  const account = app.addAccount({ roles: ['viewer', 'editor'] })
  app.idp.setEnabled(account, false)
  const ids = await Promise.all([enqueue(account, 'edit'), enqueue(account, 'look')])
  for (const id of ids)
    await expect.poll(() => stateOf(id), patience).toMatchObject({ state: 'delayed', hold: 'client-auth' })
  const [hold] = (await app.operations.listHolds()).filter(each => each.account === account)
  expect(hold).toMatchObject({
    account,
    job: null,
    reason: expect.stringContaining(`Keycloak refused client "${account}"`),
  })
  const asked = app.idp.tokenRequests.filter(request => request.clientId === account).length
  expect(asked).toBeLessThanOrEqual(2)

  app.idp.setEnabled(account, true)
  await endPause(account, ids.slice(0, 1))
  for (const id of ids) await expect.poll(() => stateOf(id), patience).toMatchObject({ state: 'done' })
})

test('an identity provider that asks for a pause is left alone that long by the whole account', async () => {
  const account = app.addAccount({ roles: ['viewer', 'editor'] })
  const lift = app.idp.fault('token', { kind: 'status', status: 429, headers: { 'retry-after': '120' } })
  const first = await enqueue(account, 'look')
  await expect.poll(() => stateOf(first), patience).toMatchObject({ state: 'delayed', hold: 'token-endpoint' })
  const asked = () => app.idp.tokenRequests.filter(request => request.clientId === account).length
  const before = asked()
  const second = await enqueue(account, 'edit')
  await expect
    .poll(() => stateOf(second), patience)
    .toMatchObject({ state: 'delayed', hold: 'token-endpoint', runs: [] })
  const holds = (await app.operations.listHolds()).filter(hold => hold.account === account)
  expect(holds).toMatchObject([{ job: null, reason: expect.stringContaining('asks for a pause of 120 s') }])
  expect(Date.parse(holds[0]?.nextProbeAt ?? '') - Date.parse(holds[0]?.since ?? '')).toBe(120_000)
  expect(asked()).toBe(before)
  lift()
  await endPause(account, [first])
  for (const id of [first, second]) await expect.poll(() => stateOf(id), patience).toMatchObject({ state: 'done' })
})

test('an outage behind the gate holds the account with a growing pause, and costs no request', async () => {
  const account = app.addAccount()
  app.addJob(
    defineJob({
      name: 'ask',
      requirement: { role: 'viewer' },
      payload: z.strictObject({}),
      async run({ hasura }, { signal }) {
        await firstLogin?.isVisible?.(hasura, '00000000-0000-4000-8000-000000000000', signal)
        return {}
      },
    }),
  )
  const looking = await enqueue(account, 'look')
  await expect.poll(() => stateOf(looking), patience).toMatchObject({ state: 'done' })
  await app.hasura.stop()
  const id = await enqueue(account, 'ask')
  await expect
    .poll(() => stateOf(id), patience)
    .toMatchObject({ state: 'delayed', hold: 'network', runs: ['interrupted'] })
  await endPause(account, [id])
  await expect
    .poll(() => stateOf(id), patience)
    .toMatchObject({ runs: ['interrupted', 'interrupted'], hold: 'network' })
  const row = await app.deps.store
    .selectFrom('worker.holds')
    .select(['probes', 'met_by'])
    .where('account', '=', account)
    .executeTakeFirst()
  expect(row).toEqual({ probes: 1, met_by: 'run' })
  await app.hasura.start()
  await endPause(account, [id])
  await expect.poll(() => stateOf(id), patience).toMatchObject({ state: 'done' })
})
