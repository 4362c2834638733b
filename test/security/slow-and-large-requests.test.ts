import type { FastifyInstance } from 'fastify'
import { describe, expect } from 'vitest'
import { type HttpLimits, httpLimits } from '../../src/http/create-fastify.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { appTest } from '../fixtures/app-test.ts'
import { letIn } from '../fixtures/let-in.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { openConnection } from './raw-connection.ts'

const test = appTest.extend('appOptions', { scope: 'file' }, { jobs: [] })

const token = 'authorization: Bearer let-me-in'

/** Lets in whoever says so. */
async function serve(app: TestApp, limits: Partial<HttpLimits> = {}) {
  const http: FastifyInstance = createHttp({
    operations: app.operations,
    authorize: async header =>
      header === 'Bearer let-me-in' ? await letIn() : { allowed: false, status: 401, found: 'Say who you are' },
    log: app.logged.log,
    limits: { ...httpLimits, ...limits },
  })
  const url = await http.listen({ host: '127.0.0.1', port: 0 })
  return { http, url, [Symbol.asyncDispose]: () => http.close() }
}

const jsonOf = (length: number) => `host: x\r\ncontent-type: application/json\r\ncontent-length: ${length}`

describe('nobody’s body is read before it is known who asks', () => {
  test.for<[string, string, string]>([
    ['at a path that does not exist', `POST /nowhere HTTP/1.1\r\n${jsonOf(900_000)}`, '404 Not Found'],
    [
      'at a path that does not exist, in chunks',
      'POST / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked',
      '404 Not Found',
    ],
    ['of a caller without a token', `POST /jobs/x/requests HTTP/1.1\r\n${jsonOf(900_000)}`, '401 Unauthorized'],
    [
      'that is too large, of a caller who may ask',
      `POST /jobs/x/requests HTTP/1.1\r\n${token}\r\n${jsonOf(300_000)}`,
      '413 Payload Too Large',
    ],
  ])('%s: the answer comes before the body, and the connection ends', async ([_what, head, status], { app }) => {
    await using door = await serve(app)
    using connection = await openConnection(door.url)
    connection.send(`${head}\r\n\r\n`)
    expect(await connection.untilClosed()).toMatch(`HTTP/1.1 ${status}`)
  })

  test('a short one is thrown away, and the connection serves the next request', async ({ app }) => {
    await using door = await serve(app)
    using connection = await openConnection(door.url)
    connection.send(`POST /jobs/x/requests HTTP/1.1\r\n${jsonOf(5)}\r\n\r\n[[[[[`)
    connection.send('GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n')
    expect(await connection.untilClosed()).toMatch(/^HTTP\/1\.1 401 [\s\S]*HTTP\/1\.1 200 /)
  })
})

test('twenty bodies of nested lists are refused as they arrive', async ({ app }) => {
  await using door = await serve(app)
  const body = '['.repeat(250_000)
  const headers = { authorization: 'Bearer let-me-in', 'content-type': 'application/json' }
  const answers = Array.from({ length: 20 }, () =>
    fetch(`${door.url}/jobs/x/requests`, { method: 'POST', headers, body }),
  )
  for (const response of await Promise.all(answers)) {
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      code: 'usage',
      detail: expect.stringMatching(/^The JSON is nested/),
    })
  }
})

describe('a caller that doesn’t come to the end of its request is cut off', () => {
  test('in its headers, one at a time forever', async ({ app }) => {
    await using door = await serve(app, { headersTimeoutMs: 400, requestTimeoutMs: 0 })
    using connection = await openConnection(door.url)
    connection.send('GET /health/live HTTP/1.1\r\nhost: x\r\n')
    const dripping = setInterval(() => connection.send('x-a: b\r\n'), 50)
    expect(await connection.untilClosed()).toMatch(/^HTTP\/1\.1 408 [\s\S]*"The request was not complete in time"/)
    clearInterval(dripping)
  })

  test('in its body, though it may ask', async ({ app }) => {
    await using door = await serve(app, { headersTimeoutMs: 400, requestTimeoutMs: 800 })
    using connection = await openConnection(door.url)
    connection.send(`POST /jobs/x/requests HTTP/1.1\r\n${token}\r\n${jsonOf(10_000)}\r\n\r\n{`)
    const dripping = setInterval(() => connection.send(' '), 50)
    expect(await connection.untilClosed()).toMatch(/^HTTP\/1\.1 408 /)
    clearInterval(dripping)
  })

  test('before its first byte', async ({ app }) => {
    await using door = await serve(app, { headersTimeoutMs: 400, requestTimeoutMs: 800 })
    using connection = await openConnection(door.url)
    expect(await connection.untilClosed()).toMatch(/^(HTTP\/1\.1 408 |$)/)
  })
})

test('idle connections are closed for new ones', async ({ app }) => {
  await using door = await serve(app, { connections: 2 })
  const request = 'GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n'
  using first = await openConnection(door.url)
  using second = await openConnection(door.url)
  for (const connection of [first, second]) connection.send(request)
  await expect.poll(() => first.received() && second.received()).toMatch(/^HTTP\/1\.1 200/)
  using refused = await openConnection(door.url)
  expect(await refused.untilClosed()).toBe('')
  await Promise.all([first.untilClosed(), second.untilClosed()])
  using third = await openConnection(door.url)
  third.send(request)
  await expect.poll(() => third.received()).toMatch(/^HTTP\/1\.1 200/)
  // Sooner than an idle connection would end anyway.
}, 60_000)

test('many concurrent health checks cost one query to the store', async ({ app }) => {
  const callers = 20
  let asked = 0
  let arrived = 0
  const allArrived = Promise.withResolvers<void>()
  const operations = {
    ...app.operations,
    async ping() {
      asked += 1
      await allArrived.promise
    },
  }
  await using http = createHttp({ operations, authorize: letIn, log: app.logged.log })
  http.addHook('preHandler', async () => {
    arrived += 1
    if (arrived === callers) setImmediate(allArrived.resolve)
  })
  const answers = await Promise.all(Array.from({ length: callers }, () => http.inject({ url: '/health/ready' })))
  expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]))
  expect(asked).toBe(1)
})

describe('what is no request as HTTP has them', () => {
  test.for<[string, string, string]>([
    ['garbage', 'garbage\r\n\r\n', '400 Bad Request'],
    [
      'headers without an end',
      `GET / HTTP/1.1\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`,
      '431 Request Header Fields Too Large',
    ],
    [
      'a body of two lengths',
      'POST / HTTP/1.1\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n',
      '400 Bad Request',
    ],
    ['a path that is no UTF-8', 'GET /requests/%ED%A0%80 HTTP/1.1\r\nhost: x\r\n\r\n', '400 Bad Request'],
    ['a path with half an escape', 'GET /requests/%E0%A4%A HTTP/1.1\r\nhost: x\r\n\r\n', '400 Bad Request'],
    [
      'an id that is longer than any',
      `GET /requests/${'x'.repeat(256)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      '414 URI Too Long',
    ],
    [
      'another way to say a method',
      `GET /jobs/x/requests HTTP/1.1\r\nhost: x\r\nx-http-method-override: POST\r\n\r\n`,
      '405 Method Not Allowed',
    ],
    ['TRACE', 'TRACE / HTTP/1.1\r\nhost: x\r\n\r\n', '404 Not Found'],
    ['OPTIONS', 'OPTIONS /requests/x HTTP/1.1\r\nhost: x\r\n\r\n', '204 No Content'],
    ['HEAD without a token', 'HEAD /requests/x HTTP/1.1\r\nhost: x\r\n\r\n', '401 Unauthorized'],
  ])('%s is answered in our words, and safely', async ([_what, bytes, status], { app }) => {
    await using door = await serve(app)
    using connection = await openConnection(door.url)
    connection.send(bytes)
    await expect.poll(() => connection.received()).toMatch(/\r\n\r\n/)
    expect(connection.received()).toMatch(`HTTP/1.1 ${status}`)
    expect(connection.received()).toMatch(/x-content-type-options: nosniff/i)
    expect(connection.received()).toMatch(/cache-control: no-store/i)
    expect(connection.received()).not.toMatch(/"statusCode"|FST_/)
  })
})
