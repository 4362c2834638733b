import { sql } from 'kysely'
import { expect } from 'vitest'
import { httpLimits } from '../../src/http/create-fastify.ts'
import { createHttp } from '../../src/http/create-http.ts'
import type { Operations } from '../../src/operations/registry.ts'
import { cancelRequest } from '../../src/runs/requests.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { letIn } from '../fixtures/let-in.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const test = httpTest.extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')] })

let made = 0
async function make(app: TestApp): Promise<string> {
  made += 1
  return (await app.operations.makeRequest({ job: 'take-anything', payload: { made } })).id
}

async function look(url: string, id: string, prefer?: string) {
  const response = await fetch(`${url}/requests/${id}`, { headers: prefer === undefined ? {} : { prefer } })
  return {
    status: response.status,
    applied: response.headers.get('preference-applied'),
    body: Object(await response.json()),
  }
}

test('a caller that would wait is answered when the request has ended', async ({ app, url }) => {
  const id = await make(app)
  const waiting = [look(url, id, 'wait=60'), look(url, id, 'wait=600'), look(url, id, 'respond-async, wait=30')]
  const atOnce = await look(url, id)
  expect(atOnce).toMatchObject({ status: 200, applied: null, body: { state: 'waiting' } })
  await cancelRequest(app.deps.store, id)
  const answers = await Promise.all(waiting)
  expect(answers.map(({ applied, body }) => [applied, body.state])).toEqual([
    ['wait=60', 'cancelled'],
    ['wait=60', 'cancelled'],
    ['wait=30', 'cancelled'],
  ])
})

test('and when its time is over, with what the request is then', async ({ app, url }) => {
  expect(await look(url, await make(app), 'wait=1')).toMatchObject({
    status: 200,
    applied: 'wait=1',
    body: { state: 'waiting' },
  })
})

test('what has ended already, and what is not there, is answered at once', async ({ app, url }) => {
  const id = await make(app)
  await cancelRequest(app.deps.store, id)
  expect(await look(url, id, 'wait=60')).toMatchObject({ status: 200, body: { state: 'cancelled' } })
  expect(await look(url, 'none', 'wait=60')).toMatchObject({ status: 404, applied: null })
})

test('one whose work another request takes over waits for that one', async ({ app, url }) => {
  const [first, second] = [await make(app), await make(app)]
  const waiting = look(url, first, 'wait=60')
  await sql`update worker.requests set state = 'superseded', superseded_by = ${second}, ended_at = now()
    where id = ${first}`.execute(app.deps.store)
  await cancelRequest(app.deps.store, second)
  expect(await waiting).toMatchObject({ body: { id: second, state: 'cancelled' } })
})

test('callers that wait leave half of the connections to others, such as health checks', async ({ app }) => {
  let asked = 0
  const began = Promise.withResolvers<void>()
  const getRequest: Operations['getRequest'] = (...words) => {
    asked += 1
    if (asked === 2) began.resolve()
    return app.operations.getRequest(...words)
  }
  const operations = { ...app.operations, getRequest }
  const limits = { ...httpLimits, connections: 4 }
  const own = createHttp({ operations, authorize: letIn, log: app.logged.log, limits })
  const base = await own.listen({ host: '127.0.0.1', port: 0 })
  const id = await make(app)
  const waiting = [look(base, id, 'wait=60'), look(base, id, 'wait=60')]
  await began.promise
  expect(await look(base, id, 'wait=1')).toMatchObject({ status: 200, applied: null, body: { state: 'waiting' } })
  expect((await fetch(`${base}/health/live`)).status).toBe(200)
  await cancelRequest(app.deps.store, id)
  const answers = await Promise.all(waiting)
  expect(answers.map(({ applied, body }) => [applied, body.state])).toEqual(Array(2).fill(['wait=60', 'cancelled']))
  await own.close()
})

test('a server that stops answers those who wait', async ({ app }) => {
  const began = Promise.withResolvers<void>()
  const getRequest: Operations['getRequest'] = (...asked) => {
    began.resolve()
    return app.operations.getRequest(...asked)
  }
  const operations = { ...app.operations, getRequest }
  const own = createHttp({ operations, authorize: letIn, log: app.logged.log })
  const base = await own.listen({ host: '127.0.0.1', port: 0 })
  const waiting = fetch(`${base}/requests/${await make(app)}`, { headers: { prefer: 'wait=60' } })
  await began.promise
  await own.close()
  expect((await waiting).status).toBe(200)
})
