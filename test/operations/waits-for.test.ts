import { sql } from 'kysely'
import { expect } from 'vitest'
import { acceptRequest } from '../../src/runs/requests.ts'
import { storeServedLines } from '../../src/serving/served-lines.ts'
import { appTest } from '../fixtures/app-test.ts'
import { request } from '../fixtures/open-lines.ts'
import { takeLine } from '../fixtures/take-line.ts'

const test = appTest
  .extend('sandboxOptions', { scope: 'file' }, { hasura: { seed: false } })
  .extend('waitsFor', ({ app, account }) => async () => {
    const [request] = await app.operations.listRequests({ account, job: 'sync-users', limit: 1 })
    return request?.waitsFor
  })
  /** A waiting request of a line that this process serves; the account has two slots. */
  .extend('waiting', { auto: true }, async ({ app: { deps }, account }) => {
    const line = { account, job: 'sync-users', afterBootstrap: false, hasSchedule: false, firstSlot: 1, slots: 2 }
    await storeServedLines(deps.store, deps.process.id, () => [line])
    return acceptRequest(deps.store, request({ account, job: 'sync-users' }))
  })

test('a request waits for a slot of its account only while the account has none', async ({
  app,
  account,
  waitsFor,
}) => {
  expect(await waitsFor()).toBe('the next look of a worker with a free slot')
  await takeLine(app.deps, account, 'one')
  expect(await waitsFor()).toBe('the next look of a worker with a free slot')
  await takeLine(app.deps, account, 'two')
  expect(await waitsFor()).toBe('a free slot: 2 runs of the account are active')
})

test('a request waits for the hold that is probed last, and for none that may be probed', async ({
  app: { deps },
  account,
  waitsFor,
}) => {
  const { store } = deps
  await sql`insert into worker.holds (account, job, met_by, code, found, probe_at) values
    (${account}, '', 'run', 'rate-limited', 'The API asked for a pause', now() - interval '1 hour'),
    (${account}, 'sync-users', 'run', 'contract', 'The schema has no users', now() + interval '1 minute')`.execute(
    store,
  )
  expect(await waitsFor()).toMatch(/^a hold until .* \(The schema has no users/)
  await sql`update worker.holds set probe_at = now() where account = ${account}`.execute(store)
  expect(await waitsFor()).toBe('the next look of a worker with a free slot')
})
