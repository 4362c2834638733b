import type { FastifyInstance } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createAuthorize } from '../../src/http/authorize.ts'
import { httpLimits } from '../../src/http/create-fastify.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { doors } from '../../src/http/doors.ts'
import { routeOf } from '../../src/http/operation-route.ts'
import { apiRoles } from '../../src/operations/operation.ts'
import { letIn, letInAs } from '../fixtures/let-in.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { openTestApp, type TestApp } from '../fixtures/open-test-app.ts'
import { takeAnything } from '../fixtures/take-anything.ts'
import { accessClaims, api, makeKey, openIssuer, type SigningKey, sign } from '../security/open-issuer.ts'

const names = { request: api.role, view: 'view-jobs', operate: 'operate-jobs' }

let app: TestApp
let key: SigningKey
let issuer: Awaited<ReturnType<typeof openIssuer>>
let http: FastifyInstance
let plain: FastifyInstance
beforeAll(async () => {
  app = await openTestApp({ jobs: [takeAnything('take-anything')] })
  key = await makeKey('rsa')
  issuer = await openIssuer(key)
  const { operations } = app
  const { log } = app.logged
  const callers = { issuer: issuer.issuer, ...api }
  const all = { ...callers, viewRole: names.view, operateRole: names.operate }
  http = createHttp({ operations, log, authorize: createAuthorize(all) })
  plain = createHttp({ operations, log, authorize: createAuthorize(callers) })
})
afterAll(async () => {
  await Promise.all([http.close(), plain.close()])
  await issuer[Symbol.asyncDispose]()
  await app[Symbol.asyncDispose]()
})

async function askWith(server: FastifyInstance, roles: readonly string[], route: string) {
  const { method, path } = routeOf({ route: route as `GET /${string}` })
  const token = await sign(key, { ...accessClaims(issuer.issuer), resource_access: { [api.audience]: { roles } } })
  const url = path.replaceAll(/:\w+/g, 'none')
  return server.inject({ method, url, headers: { authorization: `Bearer ${token}` } })
}

describe.each(doors)('$operation.route', ({ operation }) => {
  test.each(apiRoles)('is for a caller with %s as the operation says', async role => {
    const { statusCode, headers } = await askWith(http, [names[role]], operation.route)
    const mayAsk = role === 'operate' || operation.roles.includes(role)
    expect(statusCode === 403).toBe(!mayAsk)
    expect(headers['www-authenticate']).toEqual(mayAsk ? undefined : expect.stringContaining('insufficient_scope'))
    expect(statusCode).toBeLessThan(500)
  })

  test('is for nobody without a role', async () => {
    expect((await askWith(http, ['other'], operation.route)).statusCode).toBe(403)
  })

  test('is for callers with the one role that is configured alone, only if it asks for that', async () => {
    const { statusCode } = await askWith(plain, Object.values(names), operation.route)
    expect(statusCode === 403).toBe(!operation.roles.includes('request'))
  })
})

test('a caller that asks too often is told when to come again, and others are served', async () => {
  const clock = new ManualClock()
  const { log } = app.logged
  const limits = { ...httpLimits, requestsPerMinute: 60 }
  await using door = createHttp({
    operations: app.operations,
    log,
    limits,
    clock,
    authorize: header => letInAs(['view'], header)(),
  })
  const ask = (authorization: string) => door.inject({ url: '/holds', headers: { authorization } })
  const answers = await Promise.all(Array.from({ length: 11 }, () => ask('busy')))
  expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(10)
  const refused = answers.find(({ statusCode }) => statusCode === 429)
  expect(refused?.headers['retry-after']).toBe('1')
  expect(refused?.json()).toMatchObject({ code: 'rate-limited' })
  expect((await ask('other')).statusCode).toBe(200)
  await clock.advance(1_000)
  expect((await ask('busy')).statusCode).toBe(200)
  expect((await ask('busy')).statusCode).toBe(429)
})

test('who changed something is in the log', async () => {
  await using door = createHttp({ operations: app.operations, log: app.logged.log, authorize: letIn })
  await door.inject({ method: 'POST', url: '/requests/none/cancel' })
  expect(app.logged.lines).toContainEqual(
    expect.objectContaining({ caller: 'http:some-client/somebody', path: '/requests/none/cancel' }),
  )
})
