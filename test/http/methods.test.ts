import type { FastifyInstance } from 'fastify'
import { expect } from 'vitest'
import { findRoutes, type RegisteredRoute } from '../e2e/read-routes.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { takeAnything } from '../fixtures/take-anything.ts'

const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'TRACE', 'PROPFIND', 'QUERY'] as const

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')], firstLogin: null })
  .extend('httpOptions', { scope: 'file' }, { scrape: async () => ({ contentType: 'text/plain', text: '' }) })
  .extend('routes', { scope: 'file' }, ({ http }) => findRoutes(http))

/** With something in the place of each name that only a request knows. */
const fill = (path: string) => path.replaceAll(/:\w+/g, 'a%2Fb')

function takenBy(routes: readonly RegisteredRoute[], path: string): string[] {
  // The path of all that a filter finds is also that of a request with such an id.
  const pattern = (other: string) => new RegExp(`^${other.replaceAll(/:\w+/g, '[^/]+')}$`)
  return routes.filter(other => pattern(other.path).test(fill(path))).map(({ method }) => method)
}

async function send(http: FastifyInstance, method: string, path: string) {
  // Node's fetch sends no TRACE.
  const answer = await http.inject({ method: method as 'GET', url: path })
  const { allow } = answer.headers
  return { status: answer.statusCode, allow: String(allow).split(', ').toSorted(), answer }
}

test('a path that exists says which methods it takes, to every other one and to OPTIONS', async ({ http, routes }) => {
  for (const path of new Set(routes.map(route => route.path))) {
    const taken = [...new Set([...takenBy(routes, path), 'OPTIONS'])].toSorted()
    for (const method of methods.filter(each => !taken.includes(each))) {
      const { status, allow, answer } = await send(http, method, `${fill(path)}?x=1`)
      expect({ method, path, status, allow }).toEqual({ method, path, status: 405, allow: taken })
      if (method !== 'HEAD') expect(answer.json()).toMatchObject({ status: 405, code: 'method-not-allowed' })
    }
    const { status, allow, answer } = await send(http, 'OPTIONS', fill(path))
    expect({ path, status, allow, body: answer.body }).toEqual({ path, status: 204, allow: taken, body: '' })
  }
})

test.for(['/nothing', '/requests/', '/jobs/a/b/requests', '/Health/live', '/jobs//requests', '*'])(
  'a path that does not exist takes none: %s',
  async (path, { http }) => {
    for (const method of ['POST', 'OPTIONS']) {
      const { status, answer } = await send(http, method, path)
      expect({ path, method, status, allow: answer.headers.allow }).toEqual({
        path,
        method,
        status: 404,
        allow: undefined,
      })
    }
  },
)

test.for(['//jobs/x/requests', '/jobs/x/requests/', '//jobs//x/requests//?y=1'])(
  'a path with superfluous slashes is told without them, because addresses often end with one: %s',
  async (path, { http }) => {
    const { answer } = await send(http, 'POST', path)
    expect(answer.json()).toMatchObject({ status: 404, remedy: 'use /jobs/x/requests, without further slashes' })
  },
)

test('a method that is not taken costs no body: a long one is not read', async ({ url }) => {
  const answer = await fetch(`${url}/requests`, { method: 'PUT', body: 'x'.repeat(1_000_000) })
  expect({ status: answer.status, connection: answer.headers.get('connection') }).toEqual({
    status: 405,
    connection: 'close',
  })
})

test('HEAD has the head of GET and no body', async ({ url }) => {
  const [head, get] = await Promise.all(['HEAD', 'GET'].map(method => fetch(`${url}/jobs`, { method })))
  expect(head?.status).toBe(200)
  for (const name of ['etag', 'content-type', 'content-length', 'cache-control']) {
    expect({ [name]: head?.headers.get(name) }).toEqual({ [name]: get?.headers.get(name) })
  }
  expect(await head?.text()).toBe('')
})
