import { createServer } from 'node:http'
import { connect } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { SignJWT } from 'jose'
import { sql } from 'kysely'
import { describe, expect } from 'vitest'
import { z } from 'zod'
import { defineJob } from '../../src/definitions/define-job.ts'
import { createAuthorize, off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { sayProblem } from '../fixtures/say-problem.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { type IdentityProvider, startIdentityProvider } from '../sandbox/identity/start-identity-provider.ts'

const audience = 'hasura-sync-worker'
const role = 'request-jobs'

const exportArticles = defineJob({
  name: 'export-articles',
  payload: z.strictObject({ since: z.iso.date().optional() }),
  async run() {
    return {}
  },
})

interface Issuers {
  readonly app: TestApp
  readonly strangers: IdentityProvider
  readonly token: string
}

interface Asked {
  readonly token?: string | null
  readonly body?: string
  readonly type?: string
  readonly encoding?: string
  readonly key?: string
  readonly base?: string
  readonly job?: string
}

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs: [exportArticles] })
  .extend('httpOptions', { scope: 'file' }, ({ sandbox: { idp } }) => {
    for (const clientId of ['caller', 'reader', 'deaf']) {
      idp.addClient({
        clientId,
        clientSecret: 's',
        realmRoles: clientId === 'reader' ? ['read-jobs'] : [role],
        audience: clientId === 'deaf' ? [] : [audience],
      })
    }
    return { authorize: createAuthorize({ issuer: idp.issuer, audience, role }) }
  })
  .extend('strangers', { scope: 'file' }, async ({ closing }) => {
    const strangers = await startIdentityProvider({
      clients: [{ clientId: 'caller', clientSecret: 's', realmRoles: [role], audience: [audience] }],
    })
    closing.defer(() => strangers.stop())
    return strangers
  })
  .extend('token', { scope: 'file' }, ({ http: _http, sandbox }) => sandbox.idp.issueToken('caller'))
  .extend(
    'ask',
    { scope: 'file' },
    ({ url, token }) =>
      async ({ body, key, base = url, job = 'export-articles', type = 'application/json', ...asked }: Asked = {}) => {
        const bearer = asked.token === undefined ? token : asked.token
        const response = await fetch(`${base}/jobs/${job}/requests`, {
          method: 'POST',
          headers: {
            ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
            ...(body !== undefined && { 'content-type': type }),
            ...(asked.encoding !== undefined && { 'content-encoding': asked.encoding }),
            ...(key !== undefined && { 'idempotency-key': key }),
          },
          ...(body !== undefined && { body }),
        })
        return answerOf(response)
      },
  )
  .extend('look', { scope: 'file' }, ({ url, token }) => async (path: string, base = url) => {
    return answerOf(await fetch(`${base}${path}`, { headers: { authorization: `Bearer ${token}` } }))
  })

async function answerOf(response: Response) {
  const content: unknown = await response.json()
  const body = z.record(z.string(), z.unknown()).parse(content)
  return {
    status: response.status,
    headers: response.headers,
    body,
    ...(!response.ok && { said: sayProblem(body) }),
  }
}

const notDeclared = 'The body is not declared as JSON: send Content-Type: application/json'

function refused(status: number, message: string | RegExp, code = 'unauthorized') {
  const said = typeof message === 'string' ? message : expect.stringMatching(message)
  return expect.objectContaining({ status, said: { code, message: said } })
}

async function nothingRequested(app: TestApp) {
  expect(await requestCount(app)).toBe(0)
}

async function requestCount(app: TestApp): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*)::int as count from worker.requests`.execute(
    app.deps.store,
  )
  return rows[0]?.count ?? 0
}

describe('who may ask for jobs', () => {
  test.for<[string, (from: Issuers) => Promise<string | null> | string | null, number, string | RegExp]>([
    ['no token', () => null, 401, /^There is no bearer token in the Authorization header/],
    ['garbage', () => 'garbage', 401, /^The token is not a JWT/],
    ['a token of three parts of garbage', () => 'a.b.c', 401, /^The token is not a JWT/],
    ['an unsigned token', ({ token }) => unsigned(token), 401, /^The token is not a JWT/],
    ['a token that somebody else signed', ({ token }) => signedByAnyone(token), 401, /^The token names HS256/],
    ['a token whose payload was changed', ({ token }) => changed(token), 401, /^The token is not a JWT/],
    [
      'a token of another issuer, with keys of its own',
      ({ strangers }) => strangers.issueToken('caller'),
      401,
      /^The token is from another issuer: its issuer must be .*$/,
    ],
    [
      'an expired token',
      ({ app }) => expired(app),
      401,
      /^The token has expired \d+ (?:min|h|d).* ago by this worker's clock: get a new one$/,
    ],
    [
      'a token from a time that has not come here',
      ({ app }) => early(app, 'iat'),
      401,
      /^The token's claim "iat" is (?:1 h|59 min).* ahead of this worker's clock: correct the clock of/,
    ],
    [
      'a token that is not valid yet',
      ({ app }) => early(app, 'nbf'),
      401,
      /^The token's claim "nbf" is (?:1 h|59 min).* ahead of this worker's clock: correct the clock of/,
    ],
    [
      'a token for another audience',
      ({ app }) => app.idp.issueToken('deaf'),
      401,
      /^The token is not meant for this worker: its audience must be "hasura-sync-worker": in Keycloak, assign a role/,
    ],
    [
      'a token without the role',
      ({ app }) => app.idp.issueToken('reader'),
      403,
      /^Role "request-jobs" is not in the token \(it holds read-jobs\): assign it/,
    ],
  ])('%s is refused in one sentence', async ([_what, makeToken, status, message], { app, ask, strangers, token }) => {
    const answer = await ask({ token: await makeToken({ app, strangers, token }) })
    expect(answer).toEqual(refused(status, message))
    await nothingRequested(app)
  })

  test('a token that says another issuer with the right keys is refused, naming the one that is needed', async ({
    app,
    strangers,
    ask,
  }) => {
    app.idp.setClaims('caller', payload => ({ ...payload, iss: strangers.issuer }))
    const answer = await ask({ token: await app.idp.issueToken('caller') })
    app.idp.setClaims('caller', payload => payload)
    expect(answer).toEqual(refused(401, `The token is from another issuer: its issuer must be ${app.idp.issuer}`))
  })

  test('a token that never expires is refused', async ({ app, ask }) => {
    app.idp.setClaims('caller', payload => ({ ...payload, exp: undefined }))
    const answer = await ask({ token: await app.idp.issueToken('caller') })
    app.idp.setClaims('caller', payload => payload)
    expect(answer).toEqual(refused(401, `The token's claim "exp" is not valid`))
  })

  test('nonsense doesn’t make the worker ask the issuer', async ({ token }) => {
    let asked = 0
    const server = createServer((_request, response) => {
      asked += 1
      response.writeHead(503).end()
    })
    await using issuer = await listenOnLoopback(server)
    const authorize = createAuthorize({ issuer: issuer.url, audience, role })
    const unknown = [null, 'garbage', 'a.b.c', unsigned(token), await signedByAnyone(token), token]
    for (let n = 0; n < 50; n += 1) {
      const nonsense = unknown[n % unknown.length]
      expect(await authorize(nonsense ? `Bearer ${nonsense}` : undefined)).toMatchObject({ status: 401 })
    }
    expect(asked).toBe(0)
  })

  test('a role of the audience counts like one of the realm, and one of another client does not', async ({
    app,
    ask,
  }) => {
    const roles = (client: string) => (payload: Record<string, unknown>) => ({
      ...payload,
      realm_access: undefined,
      resource_access: { [client]: { roles: [role] } },
    })
    app.idp.setClaims('caller', roles(audience))
    expect((await ask({ token: await app.idp.issueToken('caller'), key: 'audience' })).status).toBe(202)
    app.idp.setClaims('caller', roles('other'))
    expect(await ask({ token: await app.idp.issueToken('caller') })).toEqual(
      refused(
        403,
        /it holds none\): assign it to the caller, and in Keycloak give its client the client scope "roles"/,
      ),
    )
    app.idp.setClaims('caller', payload => payload)
    await sql`delete from worker.requests`.execute(app.deps.store)
  })

  test('looking at a request needs the same', async ({ url }) => {
    const response = await fetch(`${url}/requests/x`)
    expect(response.status).toBe(401)
  })

  test('nobody, as long as it is not said who', async ({ app, ask, look }) => {
    await using shut = await listen(createHttp({ operations: app.operations, authorize: off, log: app.logged.log }))
    expect(await ask({ base: shut.url })).toEqual(
      refused(403, 'Requests over HTTP are off: set HTTP_ISSUER, HTTP_AUDIENCE and HTTP_ROLE to allow them'),
    )
    expect((await look('/health/live', shut.url)).status).toBe(200)
    await nothingRequested(app)
  })

  test.for<[string, 'discovery' | 'jwks', (app: TestApp) => void]>([
    ['discovery fails', 'discovery', app => app.idp.fault('discovery', { kind: 'status', status: 503 })],
    ['discovery answers HTML', 'discovery', app => app.idp.fault('discovery', { kind: 'html' })],
    ['the keys fail', 'jwks', app => app.idp.fault('jwks', { kind: 'status', status: 500 })],
    ['the keys are HTML', 'jwks', app => app.idp.fault('jwks', { kind: 'html' })],
    ['the keys are no keys', 'jwks', app => app.idp.fault('jwks', { kind: 'rewrite', rewrite: () => ({}) })],
  ])(
    'is not known while %s, which is no fault of the caller, and known afterwards',
    async ([_what, _where, fail], { app, ask }) => {
      const clock = new VirtualClock(Date.now())
      const authorize = createAuthorize({ issuer: app.idp.issuer, audience, role }, clock)
      await using fresh = await listen(createHttp({ operations: app.operations, authorize, log: app.logged.log }))
      fail(app)
      expect(await ask({ base: fresh.url })).toEqual(
        refused(
          503,
          `The keys of ${app.idp.issuer} can't be fetched, so tokens with an unknown key can't be verified now: try again later`,
          'unavailable',
        ),
      )
      app.idp.clearFaults()
      clock.advance(10_000)
      expect((await ask({ base: fresh.url, token: await app.idp.issueToken('reader') })).status).toBe(403)
    },
  )

  test('is not known while the issuer is down', async ({ app, ask }) => {
    const gone = await startIdentityProvider({ clients: [{ clientId: 'caller', clientSecret: 's' }] })
    const orphaned = await gone.issueToken('caller')
    await gone.stop()
    const authorize = createAuthorize({ issuer: gone.issuer, audience, role })
    await using fresh = await listen(createHttp({ operations: app.operations, authorize, log: app.logged.log }))
    expect(await ask({ base: fresh.url, token: orphaned })).toEqual(
      refused(503, /^The keys of .* can't be fetched/, 'unavailable'),
    )
  })
})

describe('a request that is not as it must be', () => {
  test.for<[string, Asked, number, string | RegExp, string?]>([
    [
      'for an unknown job',
      { job: 'export-all' },
      404,
      'There is no job "export-all": the jobs are export-articles',
      'not-found',
    ],
    [
      'for an unknown account',
      { body: '{"account":"x"}' },
      404,
      'There is no account "x": the accounts are default',
      'not-found',
    ],
    [
      'with a payload of the wrong shape',
      { body: '{"payload":{"since":5}}' },
      400,
      /^The payload of export-articles is invalid \(since: .*string.*\)$/,
    ],
    ['with a word too much in its payload', { body: '{"payload":{"until":"x"}}' }, 400, /Unrecognized key: "until"/],
    [
      'with a word too much',
      { body: '{"prioriti":"high"}' },
      400,
      /^The body is invalid \(.*"prioriti"\): its fields are account, payload, priority/,
    ],
    ['with an unknown priority', { body: '{"priority":"urgent"}' }, 400, /^The body is invalid \(priority: /],
    ['whose body is a list', { body: '[]' }, 400, /^The body is invalid/],
    ['whose body is no JSON', { body: '{"payload": unique-word-4711' }, 400, /JSON/],
    ['whose body is empty', { body: '' }, 400, /empty/],
    ['of another content type', { body: 'payload=1', type: 'application/x-www-form-urlencoded' }, 415, notDeclared],
    ['whose content type is none', { body: '{}', type: 'json' }, 415, notDeclared],
    ['of another type of JSON and without a body', { body: '', type: 'text/json' }, 415, notDeclared],
    [
      'whose payload is JSON within JSON',
      { body: '{"payload":"{}"}' },
      400,
      /^The payload of export-articles is invalid .*: it is a text that holds JSON, as if it was encoded twice: give the object itself$/,
    ],
    [
      'that is compressed',
      { body: '{}', encoding: 'gzip' },
      415,
      'The body is compressed, as Content-Encoding says: send it uncompressed, without this header',
    ],
    ['that is too large', { body: JSON.stringify({ payload: 'x'.repeat(1_100_000) }) }, 413, /too large/],
    ['with an empty idempotency key', { key: '' }, 400, /1 to 255 printable ASCII characters/],
    ['with an idempotency key in Latin-1', { key: 'größe' }, 400, /1 to 255 printable ASCII characters/],
    ['with an endless idempotency key', { key: 'x'.repeat(256) }, 400, /1 to 255 printable ASCII characters/],
    ['with a poisoned body', { body: '{"__proto__":{"account":"x"}}' }, 400, /./],
  ])(
    '%s is refused in one sentence, and nothing is queued',
    async ([_what, asked, status, message, code = 'usage'], { app, ask }) => {
      const answer = await ask(asked)
      expect(answer).toEqual(refused(status, message, code))
      expect(JSON.stringify(answer.body)).not.toContain('unique-word')
      await nothingRequested(app)
    },
  )

  test('is no route at all', async ({ look }) => {
    expect(await look('/nowhere?secret=x')).toEqual(refused(404, 'There is no GET /nowhere', 'not-found'))
  })

  test('is one that nobody made', async ({ look }) => {
    expect(await look('/requests/none')).toEqual(
      refused(
        404,
        'There is no request "none": requests that are done are kept for 7 days, failed ones for 30',
        'not-found',
      ),
    )
  })
})

describe('an accepted request', () => {
  test('answers 202 with its id and its place, where it is found again', async ({ ask, look }) => {
    const { status, headers, body } = await ask({ body: '{"payload":{"since":"2026-01-01"},"priority":"high"}' })
    expect(status).toBe(202)
    expect(body).toEqual({ id: expect.any(String), absorbed: false })
    expect(headers.get('location')).toBe(`/requests/${body.id}`)
    expect(await look(`/requests/${body.id}`)).toMatchObject({
      status: 200,
      body: { id: body.id, job: 'export-articles', account: 'default', state: 'waiting', trigger: 'http', runs: [] },
    })
  })

  test('may say that it is not compressed', async ({ ask }) => {
    expect((await ask({ body: '{}', encoding: 'identity' })).status).toBe(202)
  })

  test('needs no body', async ({ ask }) => {
    expect((await ask()).status).toBe(202)
  })

  test.for(['application/x-www-form-urlencoded', 'application/octet-stream', 'text/plain;charset=UTF-8'])(
    'may declare the body that it does not have as %s, as many clients do',
    async (type, { ask }) => {
      expect((await ask({ body: '', type })).status).toBe(202)
    },
  )

  test('may have null for what is not set, as clients of Spring send it', async ({ ask }) => {
    expect((await ask({ body: '{"account":null,"payload":null,"priority":null}' })).status).toBe(202)
  })

  test('has no body either if a proxy sends it in chunks, of which there are none', async ({ url, token }) => {
    const send = async (...chunks: readonly string[]) => {
      const response = await fetch(`${url}/jobs/export-articles/requests`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}` },
        body: ReadableStream.from(chunks).pipeThrough(new TextEncoderStream()),
        duplex: 'half',
      })
      return answerOf(response)
    }
    expect((await send()).status).toBe(202)
    expect(await send('{}')).toEqual(refused(415, notDeclared, 'usage'))
  })

  test('is found again by its idempotency key, even when it is done', async ({ app, ask, look }) => {
    const body = '{"payload":{"since":"2026-02-02"}}'
    const first = await ask({ body, key: 'order-1' })
    expect(await ask({ body, key: 'order-1' })).toMatchObject({
      status: 202,
      body: { id: first.body.id, absorbed: false },
    })
    const serving = await app.serve()
    await expect.poll(async () => (await look(`/requests/${first.body.id}`)).body.state).toBe('done')
    await serving[Symbol.asyncDispose]()
    expect((await ask({ body, key: 'order-1' })).body.id).toBe(first.body.id)
    expect((await ask({ body, key: 'order-2' })).body.id).not.toBe(first.body.id)
    expect(await look(`/requests/${first.body.id}`)).toMatchObject({
      body: { state: 'done', runs: [{ state: 'succeeded', attempt: 1, requestId: first.body.id }] },
    })
  })

  test('with a key that a waiting one absorbed is that one for ever: asked again after it ran, nothing runs', async ({
    app,
    ask,
    look,
  }) => {
    const body = '{"payload":{"since":"2026-05-05"}}'
    const twin = await ask({ body })
    const keyed = await ask({ body, key: 'absorbed-1' })
    expect(keyed.body).toEqual({ id: twin.body.id, absorbed: true })
    const serving = await app.serve()
    const isDone = async () => (await look(`/requests/${twin.body.id}`)).body.state
    await expect.poll(isDone).toBe('done')
    await serving[Symbol.asyncDispose]()
    const before = await requestCount(app)
    expect((await ask({ body, key: 'absorbed-1' })).body).toEqual({ id: twin.body.id, absorbed: true })
    expect(await requestCount(app)).toBe(before)
    expect((await look(`/requests/${twin.body.id}`)).body.runs).toHaveLength(1)
  })

  test('made twice at once with one key is made once', async ({ ask }) => {
    const body = '{"payload":{"since":"2026-06-06"}}'
    const answers = await Promise.all(Array.from({ length: 8 }, () => ask({ body, key: 'at-once' })))
    expect(new Set(answers.map(answer => answer.body.id)).size).toBe(1)
  })

  test('whose key was used with another payload is refused, and nothing is queued', async ({ app, ask }) => {
    await ask({ body: '{"payload":{"since":"2026-07-07"}}', key: 'order-9' })
    const before = await requestCount(app)
    expect(await ask({ body: '{"payload":{"since":"2026-07-08"}}', key: 'order-9' })).toEqual(
      refused(422, /^Idempotency key "order-9" was used for export-articles with another payload/, 'conflict'),
    )
    expect(await requestCount(app)).toBe(before)
  })

  test('that cannot be told from a waiting one is absorbed by it', async ({ ask }) => {
    const body = '{"payload":{"since":"2026-03-03"}}'
    const first = await ask({ body })
    expect((await ask({ body })).body).toEqual({ id: first.body.id, absorbed: true })
  })

  test('that is held says why', async ({ app, ask, look }) => {
    await sql`insert into worker.holds (account, job, met_by, code, found, remedy, probe_at)
      values ('default', '', 'gate', 'claims', 'The token has no claims', 'add the mapper', now() + interval '1 hour')`.execute(
      app.deps.store,
    )
    const { body } = await ask({ key: 'held' })
    const serving = await app.serve()
    await expect
      .poll(async () => (await look(`/requests/${body.id}`)).body)
      .toMatchObject({
        state: 'waiting',
        hold: { code: 'claims', reason: 'The token has no claims: add the mapper' },
        runs: [],
      })
    await serving[Symbol.asyncDispose]()
    await app.deps.store.deleteFrom('worker.holds').execute()
  })

  test('over TCP is made by HTTP, whatever its caller says', async ({ url, token, look }) => {
    const response = await fetch(`${url}/jobs/export-articles/requests`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'x-trigger': 'schedule', 'content-type': 'application/json' },
      body: '{"payload":{"since":"2026-04-04"}}',
    })
    const { body } = await answerOf(response)
    expect((await look(`/requests/${body.id}`)).body.trigger).toBe('http')
  })
})

test('what a job threw is told to the worker’s operator, and to no caller', async ({ app, ask, look }) => {
  app.addJob(
    defineJob({
      name: 'break',
      payload: z.strictObject({}),
      async run() {
        throw new Error('The catalogue of secret-of-default is empty.')
      },
    }),
  )
  const { body } = await ask({ job: 'break' })
  const id = String(body.id)
  await using _serving = await app.serve()
  await expect.poll(() => app.operations.getRequest({ id })).toMatchObject({ runs: [{ state: 'failed' }] })
  const told = {
    code: 'job-error',
    message: expect.stringMatching(
      /^The catalogue of \[redacted\] is empty\. \(at test\/http\/http\.test\.ts:\d+:\d+\)$/,
    ),
  }
  expect((await app.operations.getRequest({ id })).runs).toMatchObject([{ error: told }])
  expect(app.logged.lines).toContainEqual(expect.objectContaining({ msg: 'run failed', error: told }))
  const answer = await look(`/requests/${id}`)
  expect(answer.body).toMatchObject({
    runs: [{ error: { code: 'job-error', message: expect.stringContaining(' runs"') } }],
  })
  expect(JSON.stringify(answer.body)).not.toContain('catalogue')
})

test('a caller that sends half a request keeps nobody from being served', async ({ url, look }) => {
  const { port } = new URL(url)
  const socket = connect(Number(port), '127.0.0.1')
  socket.write('POST /jobs/export-articles/requests HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n')
  expect((await look('/health/live')).status).toBe(200)
  socket.destroy()
})

async function listen(server: FastifyInstance) {
  const address = await server.listen({ host: '127.0.0.1', port: 0 })
  return { url: address, [Symbol.asyncDispose]: () => server.close() }
}

async function expired(app: TestApp): Promise<string> {
  app.idp.setClockOffset(-7_200)
  const old = await app.idp.issueToken('caller')
  app.idp.setClockOffset(0)
  return old
}

/** With a claim of an hour from now. */
async function early(app: TestApp, claim: 'iat' | 'nbf'): Promise<string> {
  app.idp.setClaims('caller', payload => ({ ...payload, [claim]: Number(payload.iat) + 3_600 }))
  const token = await app.idp.issueToken('caller')
  app.idp.setClaims('caller', payload => payload)
  return token
}

function unsigned(signed: string): string {
  const [, payload] = signed.split('.')
  return `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${payload}.`
}

/** With the algorithm that takes a text for its key. */
function signedByAnyone(signed: string): Promise<string> {
  const [, payload = ''] = signed.split('.')
  return new SignJWT(JSON.parse(Buffer.from(payload, 'base64url').toString()))
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode('a key that anybody may know, long enough'))
}

function changed(signed: string): string {
  const [header, payload = '', signature] = signed.split('.')
  const claims = {
    ...JSON.parse(Buffer.from(payload, 'base64url').toString()),
    realm_access: { roles: [role, 'admin'] },
  }
  return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
}
