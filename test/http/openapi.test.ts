import { readFileSync } from 'node:fs'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { doors } from '../../src/http/doors.ts'
import { describeApi } from '../../src/http/openapi.ts'
import { routeOf } from '../../src/http/operation-route.ts'
import { findRoutes } from '../e2e/read-routes.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { takeAnything } from '../fixtures/take-anything.ts'
import { cronEvent, hasuraEvent } from './hasura-events.ts'

const answersSchema = z.record(z.string(), z.object({ content: z.record(z.string(), z.unknown()).optional() }))
const documentSchema = z.object({
  openapi: z.literal('3.1.0'),
  paths: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        operationId: z.string(),
        requestBody: z.object({ required: z.literal(true) }).optional(),
        responses: answersSchema,
      }),
    ),
  ),
})
const document = documentSchema.parse(JSON.parse(JSON.stringify(describeApi())))

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')], firstLogin: null })
  .extend(
    'httpOptions',
    { scope: 'file' },
    {
      scrape: async () => ({ contentType: 'text/plain; version=0.0.4', text: '' }),
      knowsHookSecret: async () => true,
    },
  )

test('is served to everybody, and is the committed one', async ({ http }) => {
  const committed = JSON.parse(readFileSync(new URL('../../schema/openapi.json', import.meta.url), 'utf8'))
  expect((await http.inject({ url: '/openapi.json' })).json()).toEqual(committed)
})

test('has a body only where there is something to say', () => {
  const posts = Object.values(document.paths).flatMap(({ post }) => post ?? [])
  const withoutBody = posts.filter(({ requestBody }) => requestBody === undefined)
  expect(withoutBody.map(({ operationId }) => operationId)).toEqual(['cancelRequest', 'retryRequest'])
})

test.for(['/requests/none/cancel', '/requests/none/retry', '/requests/cancel'])(
  'where there is nothing to say, generated clients may declare the body that they do not have as JSON: %s',
  async (url, { http }) => {
    const { statusCode } = await http.inject({ method: 'POST', url, headers: { 'content-type': 'application/json' } })
    expect(statusCode).toBe(url === '/requests/cancel' ? 400 : 404)
  },
)

test.for(['/jobs/take-anything/reset', '/holds/probe'])(
  'where nothing has to be set, null means the same, as clients of Feign send it: %s',
  async (url, { http }) => {
    const ask = async (account: Record<string, null>) => http.inject({ method: 'POST', url, payload: account })
    const [bare, withNull] = [await ask({}), await ask({ account: null })]
    expect(bare.statusCode).toBeLessThan(300)
    expect([withNull.statusCode, withNull.body]).toEqual([bare.statusCode, bare.body])
  },
)

test('a schedule is paused for the only account if a client has null for it', async ({ http }) => {
  const payload = { account: null, paused: true }
  const { body } = await http.inject({ method: 'POST', url: '/jobs/take-anything/schedule', payload })
  expect(body).not.toContain('The body is invalid')
})

test.for(['/requests/cancel', '/requests/retry'])(
  'a group of requests has no null, which a variable that was not set would have: %s',
  async (url, { http }) => {
    const payload = { job: 'take-anything', account: null, preview: true }
    expect((await http.inject({ method: 'POST', url, payload })).statusCode).toBe(400)
  },
)

test('limits no integer beyond 32 bits: generated classes of Spring would not compile', () => {
  const limits: unknown[] = []
  JSON.parse(JSON.stringify(describeApi()), (_name, value: unknown) => {
    const { type, minimum, maximum } = Object(value)
    if (type === 'integer') limits.push(minimum, maximum)
    return value
  })
  expect(limits.length).toBeGreaterThan(0)
  expect(limits.filter(limit => limit !== undefined && Math.abs(Number(limit)) >= 2 ** 31)).toEqual([])
})

test('gives each number a format: without one, generated clients in Go read it into 32 bits', () => {
  const numbers: unknown[] = []
  JSON.parse(JSON.stringify(describeApi()), (_name, value: unknown) => {
    if (Object(value).type === 'number') numbers.push(Object(value).format)
    return value
  })
  expect(numbers.length).toBeGreaterThan(0)
  expect(new Set(numbers)).toEqual(new Set(['double']))
})

test('offers no choice of a simple value or null: openapi-generator would let all equal schemas be null', () => {
  const choices: unknown[] = []
  JSON.parse(JSON.stringify(describeApi()), (_name, value: unknown) => {
    const [first] = Object(value).anyOf ?? []
    if (first && !['object', 'array'].includes(first.type) && !first.enum) choices.push(value)
    return value
  })
  expect(choices).toEqual([])
})

test('describes every route that is served, and no other', async ({ http }) => {
  const served = (await findRoutes(http)).filter(({ method }) => method !== 'HEAD')
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map(method => ({ method: method.toUpperCase(), path: path.replaceAll(/\{(\w+)\}/g, ':$1') })),
  )
  const inOrder = (routes: typeof served) => routes.map(({ method, path }) => `${method} ${path}`).toSorted()
  expect(inOrder(described)).toEqual(inOrder(served))
})

describe.each(doors)('$operation.route', ({ operation, name }) => {
  const { method, path } = routeOf(operation)
  const described = document.paths[path.replaceAll(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()]

  test('is described under its own name', () => {
    expect(described?.operationId).toBe(name)
  })

  test.for(['take-anything', 'none', '%00', 'x'.repeat(300)])(
    'gives no answer that is not described: %s',
    async (word, { http }) => {
      const url = path.replaceAll(/:\w+/g, word)
      for (const headers of [{ 'content-type': 'application/json' }, { 'content-type': 'text/plain' }]) {
        const answer = await http.inject({ method, url, ...(method === 'POST' && { headers, body: '{"limit":"x"}' }) })
        expectDescribed(described, answer)
      }
    },
  )
})

describe.each(['/hooks/hasura/events', '/hooks/hasura/cron'])('POST %s', url => {
  test.for(['{}', '[]', '', 'x', JSON.stringify(hasuraEvent()), JSON.stringify(cronEvent({ name: 'take-anything' }))])(
    'gives no answer that is not described: %s',
    async (body, { http }) => {
      for (const type of ['application/json', 'text/plain']) {
        for (const query of ['', '?account=none', '?acount=x']) {
          const answer = await http.inject({
            method: 'POST',
            url: `${url}${query}`,
            headers: { 'content-type': type },
            body,
          })
          expectDescribed(document.paths[url]?.post, answer)
        }
      }
    },
  )
})

test.for(['/health/live', '/health/ready', '/metrics', '/openapi.json'])(
  'GET %s answers as it is described',
  async (url, { http }) => {
    expectDescribed(document.paths[url]?.get, await http.inject({ url }))
  },
)

test('lets a later version add properties to a response, and refuses unknown ones of a request', () => {
  const { post } = z
    .object({ post: z.object({ requestBody: z.unknown(), responses: z.unknown() }) })
    .parse(JSON.parse(JSON.stringify(describeApi())).paths['/jobs/{job}/requests'])
  expect(JSON.stringify(post.responses)).not.toContain('"additionalProperties":false')
  expect(JSON.stringify(post.requestBody)).toContain('"additionalProperties":false')
})

function expectDescribed(
  described: { readonly responses: z.infer<typeof answersSchema> } | undefined,
  answer: { readonly statusCode: number; readonly headers: Readonly<Record<string, unknown>> },
): void {
  const { statusCode: status, headers } = answer
  const type = headers['content-type'] === undefined ? [] : [String(headers['content-type']).split(';')[0]]
  const types = described?.responses[status] && Object.keys(described.responses[status].content ?? {})
  expect({ status, types }).toEqual({ status, types: type })
}
