import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import {
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  TransientError,
  UnknownOutcomeError,
} from '../../src/errors.ts'
import { createRateBucket } from '../../src/rest/rate-bucket.ts'
import { createRestApi, type RestApi } from '../../src/rest/rest-api.ts'
import { createAccess } from '../fixtures/create-access.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import {
  type Answer,
  cutOff,
  silence,
  silenceAfterTheHead,
  startScriptedServer,
  status,
} from '../fixtures/scripted-server.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { openApi } from './open-api.ts'

const { signal } = new AbortController()
const one = z.object({ id: z.string() })
const get = (api: RestApi) => api.get('/things', { schema: one, query: { q: 'canary-query' }, signal })
const post = (api: RestApi, idempotencyKey?: string) =>
  api.post('/things', {
    body: { name: 'canary-body' },
    schema: one,
    signal,
    ...(idempotencyKey !== undefined && { idempotencyKey }),
  })
const reset: Answer = (_request, response) => response.destroy()

describe('a request', () => {
  test('carries token, query and JSON, and gives what the schema makes of the answer', async () => {
    await using opened = await openApi({ id: 'a', more: 1 })
    expect(await get(opened.api)).toEqual({ id: 'a' })
    expect(await post(opened.api)).toEqual({ id: 'a' })
    expect(await opened.api.delete('/things/a', { signal })).toBeUndefined()
    const [read, write, gone] = opened.server.requests
    expect(read).toMatchObject({ method: 'GET', url: '/api/things?q=canary-query', body: '' })
    expect(read?.headers).toMatchObject({ authorization: 'Bearer canary-token-1', accept: 'application/json' })
    expect(write).toMatchObject({ method: 'POST', url: '/api/things', body: '{"name":"canary-body"}' })
    expect(write?.headers).toMatchObject({ 'content-type': 'application/json' })
    expect(write?.headers).not.toHaveProperty('idempotency-key')
    expect(gone).toMatchObject({ method: 'DELETE', url: '/api/things/a' })
    expect(opened.fetched()).toBe(1)
  })

  test('by fetch gives the answer as it came, and cannot set the token', async () => {
    await using opened = await openApi(status(202, 'text', { 'x-own': 'header' }), status(204))
    const headers = { Authorization: 'Bearer other', Accept: 'text/plain' }
    const response = await opened.api.fetch('/things', { method: 'post', body: 'raw', headers, signal })
    expect([response.status, response.headers.get('x-own'), await response.text()]).toEqual([202, 'header', 'text'])
    expect((await opened.api.fetch('/', { signal })).status).toBe(204)
    expect(opened.server.requests[0]).toMatchObject({ method: 'POST', body: 'raw' })
    expect(opened.server.requests[0]?.headers).toMatchObject({
      authorization: 'Bearer canary-token-1',
      accept: 'text/plain',
    })
  })

  test('whose answer has another shape says where, and no value', async () => {
    await using opened = await openApi({ id: 1, 'canary-key': 'canary' })
    const error = await failureOf(get(opened.api))
    expect(error).toMatchObject({ code: 'response-shape' })
    expect(error.message).toContain('GET /things was answered with JSON of an unexpected shape (string expected at id)')
    const record = z.record(z.string(), z.number())
    const keys = await failureOf(opened.api.get('/', { schema: record, signal }))
    expect(keys.message).toContain('number expected at …')
  })

  test('whose answer is empty or is not the final one says so', async () => {
    await using opened = await openApi(status(204), status(200))
    expect((await failureOf(get(opened.api))).message).toContain('GET /things (HTTP 204) was answered without content')
    expect((await failureOf(get(opened.api))).message).toContain('HTTP 200 and an empty body')
    await using later = await openApi(status(202, { state: 'pending' }))
    expect((await failureOf(get(later.api))).message).toContain('GET /things (HTTP 202) was answered with JSON of')
  })

  test('whose answer has integers beyond 2^53 gets them as text, which a schema of numbers refuses', async () => {
    const json = { 'content-type': 'application/json' }
    await using opened = await openApi(status(200, '[{"id":9007199254740993},{"id":9007199254740992},{"id":7}]', json))
    const listOf = <T>(id: z.ZodType<T>) => ({ schema: z.array(z.object({ id })), signal })
    expect(await opened.api.get('/things', listOf(z.union([z.number(), z.string()])))).toEqual([
      { id: '9007199254740993' },
      { id: '9007199254740992' },
      { id: 7 },
    ])
    const refused = await failureOf(opened.api.post('/things', { idempotencyKey: 'a', ...listOf(z.number()) }))
    expect(refused.message).toContain('number expected at 0.id')
  })

  test.each<[string, (api: RestApi) => Promise<unknown>, string]>([
    ['a path to elsewhere', api => api.get('https://canary.example/x', { schema: one, signal }), 'path'],
    ['a body that is not JSON', api => api.post('/x', { body: ['canary', 1n], signal }), 'body'],
    ['a GET with a body', api => api.fetch('/x', { body: 'canary', signal }), 'request'],
    ['a header with a line break', api => api.fetch('/x', { headers: { a: 'canary\n' + 'b' }, signal }), 'request'],
    ['a key with a line break', api => api.post('/x', { idempotencyKey: 'a\ncanary', signal }), 'idempotency-key'],
  ])('is not sent: %s', async (_name, send, code) => {
    await using opened = await openApi({ id: 'a' })
    expect(await failureOf(send(opened.api))).toMatchObject({ code })
    expect(opened.server.requests).toEqual([])
  })

  test('rejects with the reason of its signal, also while it waits for an answer', async () => {
    await using opened = await openApi(silence)
    const gone = AbortSignal.abort(new Error('before'))
    await expect(opened.api.get('/', { schema: one, signal: gone })).rejects.toThrow('before')
    const leaving = new AbortController()
    const waiting = opened.api.get('/', { schema: one, signal: leaving.signal })
    await expect.poll(() => opened.server.requests.length).toBe(1)
    leaving.abort(new Error('during'))
    await expect(waiting).rejects.toThrow('during')
    expect(opened.clock.pausesMs).toEqual([])
  })
})

describe('a rejected token', () => {
  test('is replaced once, for a POST without key as well', async () => {
    await using opened = await openApi(status(401), { id: 'a' })
    expect(await post(opened.api)).toEqual({ id: 'a' })
    expect(opened.server.requests.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer canary-token-1',
      'Bearer canary-token-2',
    ])
  })

  test('is replaced by one fetch when eight requests fail at once', async () => {
    await using opened = await openApi((request, response) => {
      const isFresh = request.headers.authorization === 'Bearer canary-token-2'
      response.writeHead(isFresh ? 200 : 401, { 'content-type': 'application/json' }).end('{"id":"a"}')
    })
    await Promise.all(Array.from({ length: 8 }, () => get(opened.api)))
    expect(opened.fetched()).toBe(2)
    expect(opened.server.requests).toHaveLength(16)
  })

  test('does not cost the fresh one when its rejection comes late', async () => {
    const held: (() => void)[] = []
    await using opened = await openApi((request, response) => {
      if (request.headers.authorization === 'Bearer canary-token-2') response.end('{"id":"a"}')
      else held.push(() => response.writeHead(401).end())
    })
    const [early, late] = [get(opened.api), get(opened.api)]
    await expect.poll(() => held.length).toBe(2)
    held[0]?.()
    await Promise.race([early, late])
    held[1]?.()
    await Promise.all([early, late])
    expect(opened.fetched()).toBe(2)
  })

  test.each([
    'The token is not yet valid (iat)',
    "The token is not valid before '11/28/2026 10:00:00'",
    'Jwt used before 2026-11-28T10:00:00Z',
    'JWT issued at future',
  ])('is kept if the clock of the API is behind: %s', async words => {
    const early = status(401, '', { 'www-authenticate': `Bearer error="invalid_token", error_description="${words}"` })
    await using opened = await openApi(early, { id: 'a' })
    expect(await post(opened.api)).toEqual({ id: 'a' })
    expect(opened.clock.pausesMs).toEqual([3_000])
    expect(opened.fetched()).toBe(1)
  })

  test.each(['Token is not active', 'The token is not valid'])('is replaced for any other reason: %s', async words => {
    const late = status(401, '', { 'www-authenticate': `Bearer error="invalid_token", error_description="${words}"` })
    await using opened = await openApi(late, { id: 'a' })
    expect(await post(opened.api)).toEqual({ id: 'a' })
    expect(opened.clock.pausesMs).toEqual([])
    expect(opened.fetched()).toBe(2)
  })

  test.each([
    ['is down', new OutageError('token-endpoint', 'account', { found: 'Keycloak is down', remedy: 'start it' })],
    ['asks for a pause', new OutageError('token-endpoint', 'account', 'Keycloak is busy', { retryAfterMs: 60_000 })],
    ['refuses the client', new RefusalError('client-auth', 'account', 'Keycloak refuses the client')],
  ])('stays with the other jobs while the identity provider %s', async (_what, failure) => {
    await using server = await startScriptedServer(status(401))
    const clock = new VirtualClock()
    const first = new Token('canary-token', clock.now() + 3_600_000)
    let fetched = 0
    const tokens = createTokenSource({
      clock,
      async requestToken() {
        fetched += 1
        if (fetched > 1) throw failure
        return first
      },
    })
    const api = createRestApi({ tokens, clock, bucket: createRateBucket(clock), baseUrl: server.url })
    const error = await failureOf(get(api))
    expect(error).toBeInstanceOf(OutageError)
    expect(error).toMatchObject({
      code: 'unauthorized',
      scope: 'job',
      found: expect.stringMatching(
        `the API rejected the token .*, and no fresh one could be fetched .${failure.found}`,
      ),
      remedy: expect.stringMatching(`role or scope.*${failure.remedy ?? ''}$`),
      retryAfterMs: failure instanceof OutageError ? failure.retryAfterMs : undefined,
    })
    expect(server.requests).toHaveLength(1)
    expect(await tokens.get()).toBe(first)
  })

  test('that is rejected again stops the request, with what to check, and only its job', async () => {
    await using opened = await openApi(status(401, { error: 'canary' }))
    const error = await failureOf(get(opened.api))
    expect(error).toBeInstanceOf(OutageError)
    expect(error).toMatchObject({ code: 'unauthorized', scope: 'job' })
    expect(error.message).toMatch(/GET \/things.*fresh token as well.*role or scope.*realm and audience/)
    expect(opened.server.requests).toHaveLength(2)
    expect(opened.clock.pausesMs).toEqual([])
  })
})

describe('a refusal', () => {
  test.each([
    [
      403,
      'forbidden',
      /GET \/things was refused \(HTTP 403\): check that the service account has the required scope or role/,
    ],
    [404, 'not-found', /GET \/things was not found \(HTTP 404\): check the path/],
    [400, 'http-400', /HTTP 400/],
    [422, 'http-422', /HTTP 422/],
    [501, 'http-501', /HTTP 501/],
  ])('of HTTP %d is permanent and not repeated', async (code, errorCode, message) => {
    await using opened = await openApi(status(code, { detail: 'canary' }))
    const error = await failureOf(get(opened.api))
    expect(error).toBeInstanceOf(PermanentError)
    expect(error).toMatchObject({ code: errorCode, message: expect.stringMatching(message) })
    expect(opened.server.requests).toHaveLength(1)
  })
})

const failures: [string, Answer, string][] = [
  ['HTTP 500', status(500, 'canary'), 'http-500'],
  ['HTTP 502', status(502, 'canary'), 'http-502'],
  ['a cut-off', cutOff, 'network'],
  ['a reset', reset, 'network'],
  ['HTML', status(200, '<p>canary'), 'not-json'],
  [
    'text that is not UTF-8',
    (_request, response) => response.setHeader('content-type', 'application/json').end(Buffer.from([34, 0xfc, 34])),
    'not-json',
  ],
  [
    'broken JSON',
    (_request, response) => response.setHeader('content-type', 'application/json').end('{"can'),
    'not-json',
  ],
]

describe('a failure', () => {
  test.each(failures)(
    'by %s is tried again after 1, 2 and 4 seconds where nothing is done twice',
    async (_name, answer, code) => {
      await using opened = await openApi(answer)
      const tries: ((api: RestApi) => Promise<unknown>)[] = [
        get,
        api => api.put('/things/a', { body: {}, schema: one, signal }),
        api => api.delete('/things/a', { schema: one, signal }),
        api => post(api, 'key-1'),
      ]
      for (const send of tries) {
        opened.clock.pausesMs.length = 0
        const error = await failureOf(send(opened.api))
        expect(error).toBeInstanceOf(TransientError)
        expect(error).toMatchObject({ code })
        expect(opened.clock.pausesMs).toEqual([1_000, 2_000, 4_000])
      }
      expect(opened.server.requests).toHaveLength(16)
      const keys = opened.server.requests.slice(12).map(({ headers }) => headers['idempotency-key'])
      expect(keys).toEqual(['key-1', 'key-1', 'key-1', 'key-1'])
    },
  )

  test.each(failures)('by %s leaves the outcome of a POST or PATCH without key unknown', async (_name, answer) => {
    await using opened = await openApi(answer)
    expect(await failureOf(post(opened.api))).toBeInstanceOf(UnknownOutcomeError)
    const patch = opened.api.patch('/things/a', { body: {}, schema: one, signal })
    expect(await failureOf(patch)).toBeInstanceOf(UnknownOutcomeError)
    expect(opened.server.requests).toHaveLength(2)
    expect(opened.clock.pausesMs).toEqual([])
  })

  test('by a web page is no success of a write whose answer is ignored', async () => {
    await using opened = await openApi(status(200, '<html>Back soon</html>'))
    expect(await failureOf(opened.api.post('/things', { body: {}, signal }))).toBeInstanceOf(UnknownOutcomeError)
    expect(opened.server.requests).toHaveLength(1)
    expect(await failureOf(opened.api.delete('/things/a', { signal }))).toMatchObject({ code: 'not-json' })
    // Some servers declare everything to be HTML.
    await using plain = await openApi(status(200, 'OK'))
    expect(await plain.api.post('/things', { body: {}, signal })).toBeUndefined()
  })

  test('by a check for bots is no success of a write whose answer is ignored, and the job waits', async () => {
    await using opened = await openApi(status(202, '', { 'x-amzn-waf-action': 'challenge' }))
    const error = await failureOf(opened.api.post('/things', { body: {}, signal }))
    expect(error).toBeInstanceOf(OutageError)
    expect(error).toMatchObject({ scope: 'job', remedy: expect.stringContaining('firewall') })
  })

  test('of parts is no success of a write whose answer is ignored', async () => {
    await using opened = await openApi(status(207, [{ id: 'a' }, { status: 409, item: 'canary' }]))
    const body = [{ name: 'a' }, { name: 'b' }]
    const error = await failureOf(opened.api.put('/things', { body, signal }))
    expect(error).toBeInstanceOf(PermanentError)
    expect(error).toMatchObject({ code: 'http-207', remedy: expect.stringContaining('schema') })
    expect(opened.server.requests).toHaveLength(1)
    const schema = z.array(z.object({ status: z.number().optional() }))
    expect(await opened.api.put('/things', { body, schema, signal })).toEqual([{}, { status: 409 }])
  })

  test('is forgotten when a later try succeeds', async () => {
    await using opened = await openApi(status(500), cutOff, { id: 'a' })
    expect(await get(opened.api)).toEqual({ id: 'a' })
    expect(opened.clock.pausesMs).toEqual([1_000, 2_000])
  })

  test.each<[string, Answer]>([
    ['never', silence],
    ['with half an answer', silenceAfterTheHead],
  ])('because the API answers %s in time is one request’s alone', async (_name, answer) => {
    await using server = await startScriptedServer(answer)
    const api = createRestApi({ ...createAccess(), baseUrl: server.url, timeoutMs: 50 })
    const error = await failureOf(get(api))
    expect(error).toMatchObject({ code: 'timeout' })
    expect(error).not.toBeInstanceOf(OutageError)
    expect(await failureOf(post(api))).toBeInstanceOf(UnknownOutcomeError)
  })

  test('because nobody listens concerns the account, and nothing was done', async () => {
    const server = await startScriptedServer({})
    await server[Symbol.asyncDispose]()
    const access = createAccess()
    const api = createRestApi({ ...access, baseUrl: server.url })
    for (const send of [get, post]) {
      const error = await failureOf(send(api))
      expect(error).toBeInstanceOf(OutageError)
      expect(error).toMatchObject({ code: 'network', scope: 'account' })
    }
    expect(access.clock.pausesMs).toEqual([1_000, 2_000, 4_000])
  })

  test('of a DELETE that had been carried out does not make its repetition fail', async () => {
    await using opened = await openApi(reset, status(404))
    await opened.api.delete('/things/a', { signal })
    expect(await failureOf(opened.api.delete('/things/a', { signal }))).toMatchObject({ code: 'not-found' })
  })

  test('of a conditional PUT that had perhaps been carried out leaves its outcome unknown when its repetition is refused', async () => {
    await using opened = await openApi(reset, status(412))
    const put = () =>
      opened.api.fetch('/things/a', { method: 'PUT', headers: { 'if-match': '"1"' }, body: '{}', signal })
    expect(await failureOf(put())).toBeInstanceOf(UnknownOutcomeError)
    expect(await failureOf(put())).toMatchObject({ code: 'http-412' })
  })

  test('of a POST with key waits while the first one is still under way', async () => {
    await using opened = await openApi(reset, status(409), { id: 'a' }, status(409))
    expect(await post(opened.api, 'key-1')).toEqual({ id: 'a' })
    expect(await failureOf(post(opened.api, 'key-1'))).toMatchObject({ code: 'http-409' })
  })
})

describe('a redirect', () => {
  test.each([301, 302, 303, 307, 308])('of HTTP %d to another origin does not get the token', async code => {
    await using elsewhere = await startScriptedServer({ id: 'a' })
    await using opened = await openApi(status(code, '', { location: `${elsewhere.url}/api/canary` }))
    const error = await failureOf(get(opened.api))
    expect(error).toMatchObject({ code: 'redirect', scope: 'job' })
    expect(await failureOf(opened.api.fetch('/x', { method: 'POST', body: 'x', signal }))).toBeInstanceOf(
      code > 303 ? OutageError : UnknownOutcomeError,
    )
    expect(elsewhere.requests).toEqual([])
    expect(opened.server.requests).toHaveLength(2)
  })
})

describe('a limit', () => {
  test('is waited for as the API asks, in either form, without using a try', async () => {
    const later = (pauseMs: number, from: number) => new Date(from + pauseMs).toUTCString()
    const start = Date.UTC(2026, 10, 1)
    await using opened = await openApi(
      status(429, '', { 'retry-after': '7' }),
      status(503, '', { 'retry-after': later(20_000, start), date: later(7_000, start) }),
      status(429, 'canary', { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9' }),
      { id: 'a' },
    )
    expect(await post(opened.api)).toEqual({ id: 'a' })
    expect(opened.clock.pausesMs).toEqual([7_000, 13_000, 9_000])
  })

  test('that is used up is waited for also where the API answers 403', async () => {
    const left = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9' }
    await using opened = await openApi(status(403, {}, left), status(403, {}, { ...left, 'x-ratelimit-limit': '60' }), {
      id: 'a',
    })
    expect(await post(opened.api)).toEqual({ id: 'a' })
    expect(opened.clock.pausesMs).toEqual([9_000, 9_000])
  })

  test.each(['0', '1'])('of %s is used up after a refusal, too, which is told at once', async limit => {
    const told = { 'x-ratelimit-limit': limit, 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9' }
    await using opened = await openApi(status(403, {}, told))
    expect(await failureOf(post(opened.api))).toMatchObject({ name: 'PermanentError', code: 'forbidden' })
    expect(opened.server.requests).toHaveLength(1)
  })

  test('beyond a minute goes back to the queue', async () => {
    await using opened = await openApi(status(429, '', { 'retry-after': '90' }))
    const error = await failureOf(get(opened.api))
    expect(error).toBeInstanceOf(RateLimitedError)
    expect(error).toMatchObject({ retryAfterMs: 90_000 })
    expect(opened.clock.pausesMs).toEqual([])
    // The account's other requests needn't find it out by themselves.
    expect(await failureOf(get(opened.api))).toMatchObject({ retryAfterMs: 90_000 })
    expect(opened.server.requests).toHaveLength(1)
  })

  test('that is told again and again ends after a minute', async () => {
    await using opened = await openApi(status(429, '', { 'retry-after': '25' }))
    expect(await failureOf(get(opened.api))).toBeInstanceOf(RateLimitedError)
    expect(opened.server.requests).toHaveLength(3)
  })

  test('is shared by two APIs of the account', async () => {
    await using server = await startScriptedServer(
      status(200, { id: 'a' }, { 'x-ratelimit-limit': '100', 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '30' }),
      { id: 'a' },
    )
    const access = createAccess()
    const [first, second] = [1, 2].map(() => createRestApi({ ...access, baseUrl: server.url }))
    if (!first || !second) throw new TypeError('two APIs')
    await get(first)
    await get(second)
    expect(access.clock.pausesMs).toEqual([30_000])
  })

  test('can be left while it is waited for', async () => {
    await using opened = await openApi(status(429, '', { 'retry-after': '30' }))
    const leaving = new AbortController()
    opened.clock.sleep = async (_ms, given) => {
      leaving.abort(new Error('leaving'))
      given?.throwIfAborted()
    }
    await expect(opened.api.get('/', { schema: one, signal: leaving.signal })).rejects.toThrow('leaving')
  })
})
