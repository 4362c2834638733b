import { describe, expect } from 'vitest'
import { z } from 'zod'
import { createAuthorize, off } from '../../src/http/authorize.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { captureLog } from '../fixtures/captured-log.ts'
import { httpTest } from '../fixtures/http-test.ts'
import type { TestApp } from '../fixtures/open-test-app.ts'
import { takeAnything } from '../fixtures/take-anything.ts'
import { accessClaims, api, makeKey, type OpenIssuer, openIssuer, sign } from './open-issuer.ts'
import { openConnection } from './raw-connection.ts'

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('export-articles')] })
  .extend('key', { scope: 'file' }, () => makeKey('rsa'))
  .extend('opened', { scope: 'file' }, async ({ closing, key }) => closing.use(await openIssuer(key)))
  .extend('httpOptions', { scope: 'file' }, ({ opened }) => ({
    authorize: createAuthorize({ issuer: opened.issuer, ...api }),
  }))
  .extend(
    'tokenWith',
    { scope: 'file' },
    ({ key, opened }) =>
      (claims: object = {}) =>
        sign(key, { ...accessClaims(opened.issuer), ...claims }),
  )
  .extend(
    'ask',
    { scope: 'file' },
    ({ url }) =>
      async (authorization: string | undefined, path = '/requests/none', init: RequestInit = {}) => {
        return fetch(`${url}${path}`, {
          ...init,
          headers: { ...init.headers, ...(authorization && { authorization }) },
        })
      },
  )
  .extend('request', { scope: 'file' }, ({ tokenWith, ask }) => async (claims: object, key: string) => {
    const headers = { 'idempotency-key': key, 'content-type': 'application/json' }
    const body = JSON.stringify({ payload: { key, claims } })
    const answer = await ask(`Bearer ${await tokenWith(claims)}`, '/jobs/export-articles/requests', {
      method: 'POST',
      headers,
      body,
    })
    return z.object({ id: z.string(), absorbed: z.boolean() }).parse(await answer.json())
  })

const scheme = 'Bearer realm="hasura-sync-worker"'

describe('a refusal names its error as RFC 6750 requires', () => {
  test.for<
    [string, (tokenWith: (claims?: object) => Promise<string>) => Promise<string | undefined>, number, string | null]
  >([
    ['no credentials', async () => undefined, 401, scheme],
    ['credentials of another scheme', async () => 'Basic dXNlcjpwYXNz', 401, scheme],
    ['a scheme without a token', async () => 'Bearer', 400, `${scheme}, error="invalid_request"`],
    ['two tokens', async () => 'Bearer a.b.c d.e.f', 400, `${scheme}, error="invalid_request"`],
    ['bytes that are in no token', async () => 'Bearer größe', 400, `${scheme}, error="invalid_request"`],
    ['a token that is none', async () => 'Bearer a.b.c', 401, `${scheme}, error="invalid_token"`],
    [
      'an expired token',
      async tokenWith => `Bearer ${await tokenWith({ exp: 1 })}`,
      401,
      `${scheme}, error="invalid_token"`,
    ],
    [
      'a token without the role',
      async tokenWith => `Bearer ${await tokenWith({ resource_access: {} })}`,
      403,
      `${scheme}, error="insufficient_scope"`,
    ],
    ['nothing at all', async tokenWith => `Bearer ${await tokenWith()}`, 404, null],
  ])('%s', async ([_what, make, status, challenge], { ask, tokenWith }) => {
    const answer = await ask(await make(tokenWith))
    expect({ status: answer.status, challenge: answer.headers.get('www-authenticate') }).toEqual({ status, challenge })
  })

  test('two headers, of which others might believe the other one', async ({ url, tokenWith }) => {
    using connection = await openConnection(url)
    const good = `authorization: Bearer ${await tokenWith()}\r\n`
    connection.send(`GET /requests/none HTTP/1.1\r\nhost: x\r\n${good}${good}connection: close\r\n\r\n`)
    expect(await connection.untilClosed()).toMatch(/^HTTP\/1\.1 400 [\s\S]*error="invalid_request"/)
  })

  test('no way in, where nobody may ask', async ({ app }) => {
    await using shut = createHttp({ operations: app.operations, authorize: off, log: app.logged.log })
    const answer = await shut.inject({ url: '/requests/none' })
    expect(answer.statusCode).toBe(403)
    expect(answer.headers['www-authenticate']).toBeUndefined()
  })

  test('an issuer that is away, and when to come again', async ({ app, key }) => {
    await using away = await openIssuer()
    away.state.isAway = true
    const authorize = createAuthorize({ issuer: away.issuer, ...api })
    await using door = createHttp({ operations: app.operations, authorize, log: app.logged.log })
    const authorization = `Bearer ${await sign(key, accessClaims(away.issuer))}`
    const answer = await door.inject({ url: '/requests/none', headers: { authorization } })
    expect(answer.statusCode).toBe(503)
    expect(answer.headers).toMatchObject({ 'retry-after': '10' })
    expect(answer.headers['www-authenticate']).toBeUndefined()
  })
})

test('every answer is only for its caller, and has the content type that it names', async ({ tokenWith, ask }) => {
  const bearer = `Bearer ${await tokenWith()}`
  const answers = await Promise.all([
    ask(undefined, '/health/live'),
    ask(undefined, '/health/ready'),
    ask(undefined),
    ask(bearer),
    ask(bearer, '/nowhere'),
    ask(bearer, '/requests/%00'),
    ask(bearer, '/jobs/export-articles/requests', { method: 'POST' }),
    ask(bearer, '/jobs/x/requests', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
    ask(bearer, '/jobs/x/requests', { method: 'POST', body: '{', headers: { 'content-type': 'text/html' } }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 404, 404, 400, 202, 400, 415])
  for (const { headers } of answers) {
    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('content-type')).toMatch(/^application\/(problem\+)?json/)
  }
})

describe('the log', () => {
  async function refuse(app: TestApp, opened: OpenIssuer, token: string | undefined, times = 1) {
    const logged = captureLog()
    const authorize = createAuthorize({ issuer: opened.issuer, ...api })
    await using door = createHttp({ operations: app.operations, authorize, log: logged.log })
    const headers = { ...(token !== undefined && { authorization: `Bearer ${token}` }) }
    const wanted = { method: 'POST', url: '/jobs/export-articles/requests', headers } as const
    await Promise.all(Array.from({ length: times }, () => door.inject(wanted)))
    return logged
  }

  test.for<[string, object, number]>([
    ['has no role', { realm_access: { roles: [] }, resource_access: {} }, 403],
    ['comes with an expired token', { exp: 1 }, 401],
    ['comes with a token for others', { aud: 'others' }, 401],
  ])('names the caller that %s, and never the token', async ([_what, claims, status], { app, opened, tokenWith }) => {
    const token = await tokenWith(claims)
    const logged = await refuse(app, opened, token)
    const { sub, azp } = accessClaims(opened.issuer)
    expect(logged.lines).toMatchObject([
      {
        level: 'warn',
        msg: 'a caller over HTTP was refused',
        status,
        subject: sub,
        client: azp,
        route: '/jobs/:job/requests',
      },
    ])
    for (const secret of token.split('.')) expect(logged.text()).not.toContain(secret)
  })

  test('names nobody whom the issuer hasn’t signed', async ({ app, opened }) => {
    const other = await makeKey('rsa')
    const logged = await refuse(
      app,
      opened,
      await sign(other, { ...accessClaims(opened.issuer), sub: 'somebody-else' }),
    )
    expect(logged.lines).toMatchObject([{ level: 'info', status: 401 }])
    expect(logged.text()).not.toContain('somebody-else')
  })

  test('is not filled by callers that nobody knows', async ({ app, opened }) => {
    expect((await refuse(app, opened, undefined, 60)).lines).toHaveLength(20)
  })
})

describe('who asked', () => {
  test('is stored with the request and its runs, and shown to operators but not to other callers', async ({
    app,
    tokenWith,
    ask,
    request,
  }) => {
    const { id } = await request({ sub: 'a/b', azp: 'c d' }, 'one')
    const caller = 'http:c%20d/a%2Fb'
    await using _serving = await app.serve()
    await expect.poll(() => app.operations.getRequest({ id })).toMatchObject({ caller, runs: [{ caller }] })
    const filter = { limit: 10 }
    expect(await app.operations.listRequests(filter)).toContainEqual(expect.objectContaining({ id, caller }))
    expect(await app.operations.listRuns(filter)).toContainEqual(expect.objectContaining({ requestId: id, caller }))
    const told = await (await ask(`Bearer ${await tokenWith({ sub: 'other' })}`, `/requests/${id}`)).text()
    expect(told).toContain(id)
    expect(told).not.toContain('caller')
  })

  test('owns an idempotency key: another caller’s is another', async ({ request }) => {
    const first = await request({ sub: 'first' }, 'same')
    expect(await request({ sub: 'first' }, 'same')).toEqual(first)
    expect((await request({ sub: 'second' }, 'same')).id).not.toBe(first.id)
    expect((await request({ sub: undefined, azp: 'first' }, 'same')).id).not.toBe(first.id)
  })
})
