import fc from 'fast-check'
import { expect } from 'vitest'
import { createAuthorize } from '../../src/http/authorize.ts'
import { createControl } from '../../src/http/create-control.ts'
import { createHttp } from '../../src/http/create-http.ts'
import { httpTest } from '../fixtures/http-test.ts'
import { takeAnything } from '../fixtures/take-anything.ts'
import { accessClaims, api, makeKey, openIssuer, sign } from './open-issuer.ts'
import { openConnection } from './raw-connection.ts'

const test = httpTest
  .extend('appOptions', { scope: 'file' }, { jobs: [takeAnything('take-anything')] })
  .extend('key', { scope: 'file' }, () => makeKey('rsa'))
  .extend('opened', { scope: 'file' }, async ({ closing, key }) => closing.use(await openIssuer(key)))
  .extend('guarded', { scope: 'file' }, async ({ apps, closing, opened }) => {
    const { operations, logged } = await apps('embedded')
    const authorize = createAuthorize({ issuer: opened.issuer, ...api })
    return closing.use(createHttp({ operations, log: logged.log, authorize }))
  })
  .extend('control', { scope: 'file' }, async ({ apps, closing }) => {
    const { operations, logged } = await apps('embedded')
    return closing.use(createControl({ operations, log: logged.log }))
  })

const oddText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('\0', 'a\0b', '\ud83d'),
  fc.constantFrom('__proto__', 'constructor', 'toString', '..', '', ' ', 'x'.repeat(300), "'; --", '😀'),
)
const method = fc.constantFrom('GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS')
const segment = fc.oneof(
  fc.constantFrom(
    'jobs',
    'requests',
    'take-anything',
    'default',
    'health',
    'ready',
    'cancel',
    'retry',
    'find',
    'reset',
  ),
  fc.constantFrom('schedule', 'accounts', 'runs', 'rows', '%00', '%', '%ff', '%ED%A0%80', '%2e%2e', '*', ':id', ''),
  oddText.map(text => encodeURIComponent(text.toWellFormed())),
)
const query = fc.oneof(
  fc.constantFrom(
    '',
    '?limit=1e999',
    '?limit=-1',
    '?job=a&job=b',
    '?__proto__[x]=1',
    '?state=done',
    '?table=users&limit=NaN',
  ),
  oddText.map(text => `?job=${encodeURIComponent(text.toWellFormed())}&limit=5`),
)
const any = fc
  .tuple(method, fc.array(segment, { maxLength: 4 }), query)
  .map(([verb, parts, asked]) => ({ verb, asked: `/${parts.join('/')}${asked}` }))
/** The routes that there are, with something odd where a name or an id stands. */
const read = [
  '/requests/{}',
  '/requests?job={}',
  '/requests?account={}&state=done',
  '/requests?limit={}',
  '/runs?job={}',
]
const readMore = ['/rows?table={}', '/rows?table=users&account={}', '/holds?{}', '/ping?a={}', '/jobs', '/schedules']
const change = ['/requests/{}/cancel', '/requests/{}/retry', '/requests/find', '/jobs/{}/requests', '/jobs/{}/reset']
const takesAnything = ['requests', 'reset', 'schedule'].map(what => `/jobs/take-anything/${what}`)
const changeMore = ['/jobs/{}/schedule', '/accounts/{}/forget', ...takesAnything]
const meant = fc
  .tuple(
    fc.oneof(
      fc.constantFrom(...read, ...readMore).map(route => ({ verb: 'GET' as const, route })),
      fc.constantFrom(...change, ...changeMore).map(route => ({ verb: 'POST' as const, route })),
    ),
    oddText,
  )
  .map(([{ verb, route }, odd]) => ({ verb, asked: route.replaceAll('{}', encodeURIComponent(odd.toWellFormed())) }))
/** Whatever fits into JSON, and what nearly does. */
const body = fc.oneof(
  fc.json({ stringUnit: 'binary' }),
  fc
    .record(
      { account: fc.oneof(oddText, fc.constant('default')), payload: fc.jsonValue({ stringUnit: 'binary' }) },
      { requiredKeys: [] },
    )
    .map(value => JSON.stringify(value)),
  fc.constantFrom(
    '',
    '{"payload":1e999}',
    '{"payload":"\\u0000"}',
    '{"states":["done"],"job":"\\ud83d","repeatable":true}',
  ),
  fc.constantFrom(
    '['.repeat(5_000),
    '{"payload":{"a":1,"a":2}}',
    '{"paused":"x"}',
    '{"account":"__proto__"}',
    '\ufeff{}',
  ),
  fc.string({ unit: 'binary' }),
)
const headers = fc.record(
  {
    'content-type': fc.oneof(
      { weight: 4, arbitrary: fc.constant('application/json') },
      fc.constantFrom('application/json; charset=utf-16', 'text/plain', '', 'x', 'application/json;;'),
    ),
    'idempotency-key': fc.oneof(fc.string({ maxLength: 300 }), fc.constantFrom('a', 'größe')),
    'x-trigger': fc.constantFrom('schedule', 'x', ''),
    'content-encoding': fc.constantFrom('gzip', 'br', 'gzip, gzip, gzip'),
    'x-http-method-override': fc.constantFrom('DELETE', 'POST'),
  },
  { requiredKeys: [] },
)

const isHeaderText = (value: string) => /^[\t\x20-\x7e\x80-\xff]*$/.test(value)

test('no request makes HTTP, the socket or a command fail with an internal error', async ({ http, control }) => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(any, { weight: 4, arbitrary: meant }),
      headers,
      body,
      async ({ verb, asked }, given, content) => {
        const sendable = Object.entries(given).filter(([, value]) => isHeaderText(value))
        const carriesBody = verb !== 'GET' && verb !== 'HEAD'
        for (const door of [http, control]) {
          const { statusCode, body: said } = await door.inject({
            method: verb,
            url: asked,
            headers: Object.fromEntries(sendable),
            ...(carriesBody && { body: content }),
          })
          if (statusCode >= 500) expect.fail(`${statusCode} ${said}`)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('whatever a token says, its caller is refused or let in', async ({ key, opened, guarded }) => {
  const odd = fc.oneof(oddText, fc.jsonValue({ stringUnit: 'binary' }), fc.double({ noNaN: true }))
  const claim = fc.constantFrom(
    'sub',
    'azp',
    'typ',
    'aud',
    'exp',
    'iat',
    'nbf',
    'cnf',
    'realm_access',
    'resource_access',
    'iss',
  )
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(claim, odd, { maxKeys: 3 }),
      fc.dictionary(fc.constantFrom('typ', 'kid', 'cty'), oddText),
      async (claims, header) => {
        // A number of seconds that jose itself refuses to sign is none that an issuer signs.
        const token = await sign(key, { ...accessClaims(opened.issuer), ...claims }, header).catch(() => undefined)
        fc.pre(token !== undefined && token.length < 8_000)
        const { statusCode } = await guarded.inject({
          url: '/requests/none',
          headers: { authorization: `Bearer ${token}` },
        })
        expect([401, 403, 404, 503]).toContain(statusCode)
        // What can't be known before the issuer was asked is no error of this worker's.
        if (!('kid' in header)) expect(statusCode).not.toBe(503)
      },
    ),
    { numRuns: 150 },
  )
})

test('after any bytes on a connection, the next one is served', async ({ url }) => {
  const line = fc.oneof(
    fc.string({ unit: 'binary-ascii' }),
    fc.constantFrom('GET / HTTP/1.1', 'host: x', 'content-length: 5', ''),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(line, { maxLength: 6 }), async lines => {
      using connection = await openConnection(url)
      connection.send(`${lines.join('\r\n')}\r\n\r\n`)
      const answer = await fetch(`${url}/health/live`)
      expect(answer.status).toBe(200)
      expect(connection.received()).not.toMatch(/^HTTP\/1\.1 5/)
    }),
    { numRuns: 60 },
  )
})
