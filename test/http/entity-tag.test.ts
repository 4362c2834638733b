import type { FastifyInstance } from 'fastify'
import { describe, expect } from 'vitest'
import { httpTest } from '../fixtures/http-test.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const test = httpTest.extend(
  'appOptions',
  { scope: 'file' },
  { jobs: [takeAnything('take-anything')], firstLogin: null },
)

const get = (http: FastifyInstance, url: string, ifNoneMatch?: string) =>
  http.inject({ url, headers: ifNoneMatch === undefined ? {} : { 'if-none-match': ifNoneMatch } })

async function makeRequest(app: TestApp, payload: unknown): Promise<string> {
  const { id } = await app.operations.makeRequest({ job: 'take-anything', payload })
  return `/requests/${id}`
}

const lists = ['/requests', '/runs', '/jobs', '/accounts', '/holds', '/schedules', '/openapi.json']

test.for(lists)('%s that has not changed is answered with 304, and its caller may keep it', async (path, { http }) => {
  const first = await get(http, path)
  expect(first.statusCode).toBe(200)
  expect(first.headers).toMatchObject({
    etag: expect.stringMatching(/^"[\w-]{43}"$/),
    'cache-control': 'private, no-cache',
  })
  const again = await get(http, path, first.headers.etag)
  expect(again.headers).toMatchObject({ etag: first.headers.etag, 'cache-control': 'private, no-cache' })
  expect({ status: again.statusCode, body: again.body, type: again.headers['content-type'] }).toEqual({
    status: 304,
    body: '',
    type: undefined,
  })
})

describe('a request', () => {
  test('has another tag as soon as anything about it has changed', async ({ app, http }) => {
    const path = await makeRequest(app, { n: 1 })
    const { etag } = (await get(http, path)).headers
    expect((await get(http, path, etag)).statusCode).toBe(304)
    await app.operations.cancelRequest({ id: path.slice('/requests/'.length) })
    const changed = await get(http, path, etag)
    expect(changed.statusCode).toBe(200)
    expect(changed.json()).toMatchObject({ state: 'cancelled' })
    expect(changed.headers.etag).not.toBe(etag)
  })

  test.for<[string, (tag: string) => string, number]>([
    ['its tag', tag => tag, 304],
    ['its tag, made weak by a proxy', tag => `W/${tag}`, 304],
    ['its tag, with the suffix of a proxy', tag => `${tag.slice(0, -1)}-gzip"`, 304],
    ['its tag, made weak and with a suffix', tag => `W/${tag.slice(0, -1)}-br"`, 304],
    ['its tag with something else added', tag => `${tag.slice(0, -1)}-x"`, 200],
    ['a list with its tag', tag => `"other",  ${tag} , "more"`, 304],
    ['anything', () => '*', 304],
    ['another tag', () => '"other"', 200],
    ['its tag without quotation marks', tag => tag.slice(1, -1), 200],
    ['nothing', () => '', 200],
  ])('compares If-None-Match: %s', async ([_what, known, status], { app, http }) => {
    const path = await makeRequest(app, { n: 2 })
    const { etag = '' } = (await get(http, path)).headers
    expect((await get(http, path, known(etag))).statusCode).toBe(status)
  })
})

test.for(['/requests/none', '/runs?state=x'])('an error has no tag: %s', async (path, { http }) => {
  const { headers } = await get(http, path, '*')
  expect(headers).toMatchObject({ 'cache-control': 'no-store' })
  expect(headers.etag).toBeUndefined()
})

test('what is asked for by POST has no tag', async ({ http }) => {
  const { headers } = await http.inject({
    method: 'POST',
    url: '/jobs/take-anything/requests',
    headers: { 'if-none-match': '*' },
  })
  expect(headers.etag).toBeUndefined()
})
