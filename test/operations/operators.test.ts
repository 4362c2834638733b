import type { FastifyInstance } from 'fastify'
import { sql } from 'kysely'
import { expect } from 'vitest'
import { z } from 'zod'
import { acceptRequest } from '../../src/runs/requests.ts'
import { httpTest } from '../fixtures/http-test.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('one'), takeAnything('two')], firstLogin: null })
  .extend('emptied', { auto: true }, async ({ app }) => {
    for (const table of ['worker.holds', 'worker.requests', 'worker.runs'])
      await sql`delete from ${sql.table(table)}`.execute(app.deps.store)
  })

async function post(http: FastifyInstance, url: string, payload: object = {}) {
  const answer = await http.inject({ method: 'POST', url, payload, headers: { 'content-type': 'application/json' } })
  return { status: answer.statusCode, body: answer.json() }
}

async function make(app: TestApp, job: string, n: number): Promise<string> {
  const asked = { account: 'default', job, trigger: 'cli', caller: 'test', payload: { n } } as const
  return (await acceptRequest(app.deps.store, asked)).id
}

async function hold(app: TestApp, job: string, askedUntil: string | null = null): Promise<void> {
  await sql`insert into worker.holds (account, job, met_by, code, found, remedy, probe_at, asked_until)
    values ('default', ${job}, 'gate', 'claims', 'x', null, now() + interval '1 hour', ${askedUntil}::timestamptz)`.execute(
    app.deps.store,
  )
}

const idsSchema = z.object({ ids: z.array(z.string()), hasMore: z.boolean() })
const stateOf = async (app: TestApp, id: string) => (await app.operations.getRequest({ id })).state

test('a filter’s requests are shown first, then ended, and none beside them', async ({ app, http }) => {
  const [a, b, c, other] = [
    await make(app, 'one', 1),
    await make(app, 'one', 2),
    await make(app, 'one', 3),
    await make(app, 'two', 1),
  ]
  const preview = await post(http, '/requests/cancel', { job: 'one', preview: true })
  expect(preview.body).toEqual({ ids: [a, b, c], hasMore: false })
  expect(await stateOf(app, a)).toBe('waiting')
  expect(idsSchema.parse((await post(http, '/requests/cancel', { job: 'one', limit: 2 })).body)).toEqual({
    ids: [a, b],
    hasMore: true,
  })
  expect(await Promise.all([a, b, c, other].map(id => stateOf(app, id)))).toEqual([
    'cancelled',
    'cancelled',
    'waiting',
    'waiting',
  ])
})

test('what a filter finds is made again by the caller who asks', async ({ app, http }) => {
  const ids = [await make(app, 'one', 1), await make(app, 'one', 2)]
  await post(http, '/requests/cancel', { job: 'one' })
  expect((await post(http, '/requests/retry', { job: 'one', state: 'cancelled' })).body).toEqual({
    ids,
    hasMore: false,
  })
  const again = await app.operations.listRequests({ state: 'waiting' })
  expect(again).toMatchObject([{ trigger: 'retry', caller: 'http:some-client/somebody' }, { trigger: 'retry' }])
})

test('whoever repeats what failed in portions comes to its end', async ({ app, http }) => {
  const ids = [await make(app, 'one', 1), await make(app, 'one', 2), await make(app, 'one', 3)]
  await sql`update worker.requests set state = 'failed', ended_at = now()`.execute(app.deps.store)
  const portion = async () => idsSchema.parse((await post(http, '/requests/retry', { job: 'one', limit: 1 })).body)
  expect([await portion(), await portion(), await portion(), await portion()]).toEqual([
    { ids: [ids[0]], hasMore: true },
    { ids: [ids[1]], hasMore: true },
    { ids: [ids[2]], hasMore: false },
    { ids: [], hasMore: false },
  ])
})

test('a request is repeated once: asked again, its repetition is named', async ({ app, http }) => {
  const id = await make(app, 'one', 1)
  await app.operations.cancelRequest({ id })
  const again = z.object({ id: z.string() }).parse((await post(http, `/requests/${id}/retry`)).body)
  expect((await post(http, `/requests/${id}/retry`)).body).toEqual({ id: again.id, absorbed: true })
  await sql`update worker.requests set state = 'done', ended_at = now() where id = ${again.id}`.execute(app.deps.store)
  expect(await post(http, `/requests/${id}/retry`)).toMatchObject({
    status: 400,
    body: {
      detail: `Request ${id} was already repeated by request ${again.id}, which is done`,
      remedy: `to repeat that one, run "npm run -s cli -- retry ${again.id}"`,
    },
  })
  expect(await stateOf(app, id)).toBe('cancelled')
  await sql`delete from worker.requests where id = ${again.id}`.execute(app.deps.store)
  expect(await post(http, `/requests/${id}/retry`)).toMatchObject({ body: { absorbed: false } })
})

test('what was repeated beside one that can’t be is not repeated again', async ({ app, http }) => {
  await make(app, 'two', 1)
  await make(app, 'one', 1)
  await make(app, 'one', 2)
  await sql`update worker.requests set state = 'failed', ended_at = now()`.execute(app.deps.store)
  await sql`alter table worker.requests add constraint none_of_two check (job <> 'two') not valid`.execute(
    app.deps.store,
  )
  const repeated = async () => {
    expect((await post(http, '/requests/retry', { state: 'failed' })).status).toBe(500)
    const { numAffectedRows } =
      await sql`update worker.requests set state = 'done', ended_at = now() where state = 'waiting'`.execute(
        app.deps.store,
      )
    return numAffectedRows
  }
  const both = [await repeated(), await repeated()]
  await sql`alter table worker.requests drop constraint none_of_two`.execute(app.deps.store)
  expect(both).toEqual([2n, 0n])
})

test('the next tick of a job is that of an account that exists', async ({ app }) => {
  const schedule = (account: string, due: string) =>
    sql`insert into worker.schedules (account, job, rule, next_run_at) values (${account}, 'one', '', ${due}::timestamptz)`.execute(
      app.deps.store,
    )
  await schedule('removed', '2026-01-01Z')
  await schedule('default', '2099-01-01Z')
  const [one] = await app.operations.listJobs()
  await sql`delete from worker.schedules`.execute(app.deps.store)
  expect(one).toMatchObject({ name: 'one', nextDueAt: '2099-01-01T00:00:00.000Z' })
})

test.for(['cancel', 'retry'])('nobody means all requests by saying nothing: %s', async (verb, { http }) => {
  expect(await post(http, `/requests/${verb}`)).toMatchObject({ status: 400, body: { code: 'usage' } })
  expect(await post(http, `/requests/${verb}`, { job: 'none' })).toMatchObject({
    status: 404,
    body: { code: 'not-found' },
  })
})

test('a hold is looked at again as soon as somebody asks, but no pause that the API asked for', async ({
  app,
  http,
}) => {
  await hold(app, 'one')
  await hold(app, 'two', '2099-01-01')
  const id = await make(app, 'one', 1)
  await using _serving = await app.serve()
  const answer = await post(http, '/holds/probe')
  expect(answer.status).toBe(200)
  const [one, two] = z.array(z.object({ nextProbeAt: z.string() })).parse(answer.body)
  expect(Date.parse(one?.nextProbeAt ?? '')).toBeLessThan(Date.parse(two?.nextProbeAt ?? ''))
  await expect.poll(() => stateOf(app, id)).toBe('done')
  expect((await app.operations.listHolds()).map(({ job }) => job)).toEqual(['two'])
})

test('a job says what it is at, when it is due and how it ended', async ({ app }) => {
  const jobs = async () =>
    (await app.operations.listJobs()).map(({ name, state, lastRun }) => [name, state, lastRun?.state])
  await hold(app, 'two')
  await make(app, 'two', 1)
  const id = await make(app, 'one', 1)
  expect(await jobs()).toEqual([
    ['one', 'waiting', undefined],
    ['two', 'held', undefined],
  ])
  await using _serving = await app.serve()
  await expect.poll(() => stateOf(app, id)).toBe('done')
  expect((await jobs())[0]).toEqual(['one', 'idle', 'succeeded'])
})
