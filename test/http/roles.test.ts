import type { FastifyInstance } from 'fastify'
import { describe, expect } from 'vitest'
import { createAuthorize } from '../../src/http/authorize.ts'
import { httpLimits } from '../../src/http/create-fastify.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { doors } from '../../src/http/doors.ts'
import { routeOf } from '../../src/http/operation-route.ts'
import { apiRoles } from '../../src/operations/operation.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { letIn, letInAs } from '../fixtures/let-in.ts'
import { ManualClock } from '../fixtures/manual-clock.ts'
import { takeAnything } from '../fixtures/take-anything.ts'
import {
  accessClaims,
  api,
  makeKey,
  type OpenIssuer,
  openIssuer,
  type SigningKey,
  sign,
} from '../security/open-issuer.ts'

const names = { request: api.role, view: 'view-jobs', operate: 'operate-jobs' }

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')] })
  .extend('key', { scope: 'file' }, () => makeKey('rsa'))
  .extend('issuer', { scope: 'file' }, async ({ closing, key }) => closing.use(await openIssuer(key)))
  .extend('httpOptions', { scope: 'file' }, ({ issuer: { issuer } }) => ({
    authorize: createAuthorize({ issuer, ...api, viewRole: names.view, operateRole: names.operate }),
  }))
  .extend('plain', { scope: 'file' }, async ({ apps, closing, issuer: { issuer } }) => {
    const { operations, logged } = await apps('embedded')
    return closing.use(createHttp({ operations, log: logged.log, authorize: createAuthorize({ issuer, ...api }) }))
  })

async function askWith(
  issuer: OpenIssuer,
  key: SigningKey,
  server: FastifyInstance,
  roles: readonly string[],
  route: string,
) {
  const { method, path } = routeOf({ route: route as `GET /${string}` })
  const token = await sign(key, { ...accessClaims(issuer.issuer), resource_access: { [api.audience]: { roles } } })
  const url = path.replaceAll(/:\w+/g, 'none')
  return server.inject({ method, url, headers: { authorization: `Bearer ${token}` } })
}

describe.each(doors)('$operation.route', ({ operation }) => {
  test.for(apiRoles)('is for a caller with %s as the operation says', async (role, { issuer, key, http }) => {
    const { statusCode, headers } = await askWith(issuer, key, http, [names[role]], operation.route)
    const mayAsk = role === 'operate' || operation.roles.includes(role)
    expect(statusCode === 403).toBe(!mayAsk)
    expect(headers['www-authenticate']).toEqual(mayAsk ? undefined : expect.stringContaining('insufficient_scope'))
    expect(statusCode).toBeLessThan(500)
  })

  test('is for nobody without a role', async ({ issuer, key, http }) => {
    expect((await askWith(issuer, key, http, ['other'], operation.route)).statusCode).toBe(403)
  })

  test('is for callers with the one role that is configured alone, only if it asks for that', async ({
    issuer,
    key,
    plain,
  }) => {
    const { statusCode } = await askWith(issuer, key, plain, Object.values(names), operation.route)
    expect(statusCode === 403).toBe(!operation.roles.includes('request'))
  })
})

test('a caller that asks too often is told when to come again, and others are served', async ({ app }) => {
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

test('who changed something is in the log', async ({ app }) => {
  await using door = createHttp({ operations: app.operations, log: app.logged.log, authorize: letIn })
  await door.inject({ method: 'POST', url: '/requests/none/cancel' })
  expect(app.logged.lines).toContainEqual(
    expect.objectContaining({ caller: 'http:some-client/somebody', path: '/requests/none/cancel' }),
  )
})
