import { expect } from 'vitest'
import { z } from 'zod'
import { firstLogin } from '../../examples/wiki/src/jobs/first-login.ts'
import type { Serving } from '../../src/app/serve-lines.ts'
import { defineJob } from '../../src/definitions/define-job.ts'
import { type Clock, systemClock } from '../../src/time/clock.ts'
import { appTest } from '../fixtures/app-test.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'

/** The pauses before a query is tried again add up to seconds; nothing here depends on their length. */
const hasty: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(Math.min(ms, 100), signal) }

const test = appTest
  .extend(
    'appOptions',
    { scope: 'file' },
    {
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
    },
  )
  .extend('serving', { scope: 'file', auto: true }, async ({ apps }) => (await apps('embedded')).serve())

async function enqueue(app: TestApp, account: string, job: string): Promise<string> {
  const { id } = await app.operations.makeRequest({ job, account, payload: undefined, trigger: 'cli', caller: 'test' })
  return id
}

async function stateOf(app: TestApp, id: string) {
  const report = await app.operations.getRequest({ id })
  return { state: report?.state, hold: report?.hold?.code, runs: report?.runs.map(run => run.state).toReversed() }
}

/** As if the pause were over. */
async function endPause(app: TestApp, serving: Serving, account: string): Promise<void> {
  await app.deps.store
    .updateTable('worker.holds')
    .set({ probe_at: new Date(0), asked_until: null })
    .where('account', '=', account)
    .execute()
  serving.look()
}

test('a request whose role is missing is held, holds no other job, and resumes automatically once it is granted', async ({
  app,
  serving,
}) => {
  const account = app.addAccount({ roles: ['viewer'] }, hasty)
  const id = await enqueue(app, account, 'edit')
  await expect.poll(() => stateOf(app, id)).toEqual({ state: 'waiting', hold: 'job-roles', runs: ['refused'] })
  const looking = await enqueue(app, account, 'look')
  await expect.poll(() => stateOf(app, looking)).toMatchObject({ state: 'done' })

  app.idp.setRoles(account, ['viewer', 'editor'])
  await endPause(app, serving, account)
  await expect.poll(() => stateOf(app, id)).toEqual({ state: 'done', hold: undefined, runs: ['refused', 'succeeded'] })
  expect(await app.operations.listHolds()).toEqual([])
})

test('an account whose client is refused waits as a whole, probes rarely, and resumes as a whole', async ({
  app,
  serving,
}) => {
  const account = app.addAccount({ roles: ['viewer', 'editor'] }, hasty)
  app.idp.setEnabled(account, false)
  const ids = await Promise.all([enqueue(app, account, 'edit'), enqueue(app, account, 'look')])
  for (const id of ids)
    await expect.poll(() => stateOf(app, id)).toMatchObject({ state: 'waiting', hold: 'client-auth' })
  const [hold] = await app.operations.listHolds()
  expect(hold).toMatchObject({
    account,
    job: null,
    reason: expect.stringContaining(`Keycloak refused client "${account}"`),
  })
  const asked = app.idp.tokenRequests.filter(request => request.clientId === account).length
  expect(asked).toBeLessThanOrEqual(2)

  app.idp.setEnabled(account, true)
  await endPause(app, serving, account)
  for (const id of ids) await expect.poll(() => stateOf(app, id)).toMatchObject({ state: 'done' })
})

test('an identity provider that asks for a pause gets no request of the account during it', async ({
  app,
  serving,
}) => {
  const account = app.addAccount({ roles: ['viewer', 'editor'] }, hasty)
  const lift = app.idp.fault('token', { kind: 'status', status: 429, headers: { 'retry-after': '120' } })
  const first = await enqueue(app, account, 'look')
  await expect.poll(() => stateOf(app, first)).toMatchObject({ state: 'waiting', hold: 'token-endpoint' })
  const asked = () => app.idp.tokenRequests.filter(request => request.clientId === account).length
  const before = asked()
  const second = await enqueue(app, account, 'edit')
  await expect.poll(() => stateOf(app, second)).toMatchObject({ state: 'waiting', hold: 'token-endpoint', runs: [] })
  const holds = (await app.operations.listHolds()).filter(hold => hold.account === account)
  expect(holds).toMatchObject([{ job: null, reason: expect.stringContaining('asks for a pause of 120 s') }])
  const pauseMs = Date.parse(holds[0]?.nextProbeAt ?? '') - Date.now()
  expect(pauseMs).toBeGreaterThan(110_000)
  expect(asked()).toBe(before)
  lift()
  await endPause(app, serving, account)
  for (const id of [first, second]) await expect.poll(() => stateOf(app, id)).toMatchObject({ state: 'done' })
})

test('a job that misses a role waits as long as the identity provider asks, and holds no other job', async ({
  app,
  serving,
}) => {
  let aheadMs = 0
  const account = app.addAccount({ roles: ['viewer'] }, { ...hasty, elapsed: () => systemClock.elapsed() + aheadMs })
  const before = await enqueue(app, account, 'look')
  await expect.poll(() => stateOf(app, before)).toMatchObject({ state: 'done' })
  const lift = app.idp.fault('token', { kind: 'status', status: 429, headers: { 'retry-after': '120' } })
  const asked = () => app.idp.tokenRequests.filter(request => request.clientId === account).length
  const edit = await enqueue(app, account, 'edit')
  await expect.poll(() => stateOf(app, edit)).toMatchObject({ state: 'waiting', hold: 'job-roles' })
  const [hold] = (await app.operations.listHolds()).filter(each => each.account === account)
  expect(hold).toMatchObject({ job: 'edit', reason: expect.stringContaining('Role "editor" is not in the token') })
  expect(Date.parse(hold?.nextProbeAt ?? '') - Date.now()).toBeGreaterThan(110_000)

  await endPause(app, serving, account)
  await expect.poll(() => stateOf(app, edit)).toMatchObject({ state: 'waiting', runs: ['refused', 'refused'] })
  const look = await enqueue(app, account, 'look')
  await expect.poll(() => stateOf(app, look)).toMatchObject({ state: 'done' })
  expect(asked()).toBe(2)

  lift()
  app.idp.setRoles(account, ['viewer', 'editor'])
  aheadMs = 120_000
  await endPause(app, serving, account)
  await expect.poll(() => stateOf(app, edit)).toMatchObject({ state: 'done' })
})

test('an outage after the gate holds the account with a growing pause, and fails no request', async ({
  app,
  serving,
}) => {
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
  const looking = await enqueue(app, account, 'look')
  await expect.poll(() => stateOf(app, looking)).toMatchObject({ state: 'done' })
  await app.hasura.stop()
  const id = await enqueue(app, account, 'ask')
  await expect.poll(() => stateOf(app, id)).toMatchObject({ state: 'waiting', hold: 'network', runs: ['interrupted'] })
  await endPause(app, serving, account)
  await expect.poll(() => stateOf(app, id)).toMatchObject({ runs: ['interrupted', 'interrupted'], hold: 'network' })
  const row = await app.deps.store
    .selectFrom('worker.holds')
    .select(['probes', 'met_by'])
    .where('account', '=', account)
    .executeTakeFirst()
  expect(row).toEqual({ probes: 1, met_by: 'run' })
  await app.hasura.start()
  await endPause(app, serving, account)
  await expect.poll(() => stateOf(app, id)).toMatchObject({ state: 'done' })
})
