import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { firstLogin } from '../../examples/wiki/src/jobs/first-login.ts'
import type { Serving } from '../../src/app/serve-lines.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { type Clock, systemClock } from '../../src/time/clock.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'

/** The pauses before a query is tried again add up to seconds; nothing here depends on their length. */
const hasty: Clock = { now: Date.now, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 100), signal) }

let app: TestApp
let serving: Serving
beforeAll(async () => {
  app = await openTestApp({
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
  serving = await app.serve()
})
afterAll(() => app[Symbol.asyncDispose]())

async function enqueue(account: string, job: string): Promise<string> {
  const { id } = await app.operations.makeRequest({ job, account, payload: undefined, trigger: 'cli', caller: 'test' })
  return id
}

async function stateOf(id: string) {
  const report = await app.operations.getRequest({ id })
  return { state: report?.state, hold: report?.hold?.code, runs: report?.runs.map(run => run.state).toReversed() }
}

/** As if the pause were over. */
async function endPause(account: string): Promise<void> {
  await app.deps.store
    .updateTable('worker.holds')
    .set({ probe_at: new Date(0), asked_until: null })
    .where('account', '=', account)
    .execute()
  serving.look()
}

test('a request whose role is missing is held, holds no other job, and goes on by itself once it is granted', async () => {
  const account = app.addAccount({ roles: ['viewer'] }, hasty)
  const id = await enqueue(account, 'edit')
  await expect.poll(() => stateOf(id)).toEqual({ state: 'waiting', hold: 'job-roles', runs: ['refused'] })
  const looking = await enqueue(account, 'look')
  await expect.poll(() => stateOf(looking)).toMatchObject({ state: 'done' })

  app.idp.setRoles(account, ['viewer', 'editor'])
  await endPause(account)
  await expect.poll(() => stateOf(id)).toEqual({ state: 'done', hold: undefined, runs: ['refused', 'succeeded'] })
  expect(await app.operations.listHolds()).toEqual([])
})

test('an account whose client is refused waits as a whole, asks little, and goes on as a whole', async () => {
  const account = app.addAccount({ roles: ['viewer', 'editor'] }, hasty)
  app.idp.setEnabled(account, false)
  const ids = await Promise.all([enqueue(account, 'edit'), enqueue(account, 'look')])
  for (const id of ids) await expect.poll(() => stateOf(id)).toMatchObject({ state: 'waiting', hold: 'client-auth' })
  const [hold] = await app.operations.listHolds()
  expect(hold).toMatchObject({
    account,
    job: null,
    reason: expect.stringContaining(`Keycloak refused client "${account}"`),
  })
  const asked = app.idp.tokenRequests.filter(request => request.clientId === account).length
  expect(asked).toBeLessThanOrEqual(2)

  app.idp.setEnabled(account, true)
  await endPause(account)
  for (const id of ids) await expect.poll(() => stateOf(id)).toMatchObject({ state: 'done' })
})

test('an identity provider that asks for a pause is left alone that long by the whole account', async () => {
  const account = app.addAccount({ roles: ['viewer', 'editor'] }, hasty)
  const lift = app.idp.fault('token', { kind: 'status', status: 429, headers: { 'retry-after': '120' } })
  const first = await enqueue(account, 'look')
  await expect.poll(() => stateOf(first)).toMatchObject({ state: 'waiting', hold: 'token-endpoint' })
  const asked = () => app.idp.tokenRequests.filter(request => request.clientId === account).length
  const before = asked()
  const second = await enqueue(account, 'edit')
  await expect.poll(() => stateOf(second)).toMatchObject({ state: 'waiting', hold: 'token-endpoint', runs: [] })
  const holds = (await app.operations.listHolds()).filter(hold => hold.account === account)
  expect(holds).toMatchObject([{ job: null, reason: expect.stringContaining('asks for a pause of 120 s') }])
  const pauseMs = Date.parse(holds[0]?.nextProbeAt ?? '') - Date.now()
  expect(pauseMs).toBeGreaterThan(110_000)
  expect(asked()).toBe(before)
  lift()
  await endPause(account)
  for (const id of [first, second]) await expect.poll(() => stateOf(id)).toMatchObject({ state: 'done' })
})

test('an outage behind the gate holds the account with a growing pause, and costs no request', async () => {
  const account = app.addAccount({}, hasty)
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
  await expect.poll(() => stateOf(looking)).toMatchObject({ state: 'done' })
  await app.hasura.stop()
  const id = await enqueue(account, 'ask')
  await expect.poll(() => stateOf(id)).toMatchObject({ state: 'waiting', hold: 'network', runs: ['interrupted'] })
  await endPause(account)
  await expect.poll(() => stateOf(id)).toMatchObject({ runs: ['interrupted', 'interrupted'], hold: 'network' })
  const row = await app.deps.store
    .selectFrom('worker.holds')
    .select(['probes', 'met_by'])
    .where('account', '=', account)
    .executeTakeFirst()
  expect(row).toEqual({ probes: 1, met_by: 'run' })
  await app.hasura.start()
  await endPause(account)
  await expect.poll(() => stateOf(id)).toMatchObject({ state: 'done' })
})
