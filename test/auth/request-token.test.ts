import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { SecretLogin } from '../../src/account.ts'
import { createRequestToken } from '../../src/auth/request-token.ts'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import { OutageError, RefusalError } from '../../src/errors.ts'
import { exchange } from '../../src/outgoing/exchange.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { type IdentityProvider, startIdentityProvider } from '../sandbox/identity/start-identity-provider.ts'

/** Holds what RFC 6749, section 2.3.1 has encoded in a Basic header. */
const secret = 'canary :%+/&='
const clientId = 'sync:worker'

let provider: IdentityProvider
beforeAll(async () => {
  provider = await startIdentityProvider({
    clients: [
      { clientId, clientSecret: secret, roles: ['viewer'] },
      { clientId: 'refreshing', clientSecret: secret, roles: ['viewer'], refreshTokens: true },
      { clientId: 'no-service-account', clientSecret: secret, serviceAccount: false },
    ],
  })
})
afterAll(() => provider.stop())
afterEach(async () => {
  provider.clearFaults()
  provider.setTokenLifetime(300)
  provider.setClockOffset(0)
  provider.rotateSecret(clientId, secret)
  provider.setEnabled(clientId, true)
  await provider.start()
})

const clock = new VirtualClock()
const forever = new AbortController().signal

function request(change: Partial<SecretLogin> = {}, deps: { files?: Map<string, string>; timeoutMs?: number } = {}) {
  const login: SecretLogin = {
    server: { issuer: provider.issuer },
    clientId,
    method: 'client_secret_basic',
    secret: { value: secret },
    scopes: [],
    ...change,
  }
  return createRequestToken(login, {
    clock,
    timeoutMs: deps.timeoutMs ?? 10_000,
    readSecretFile: async path => {
      const text = deps.files?.get(path)
      if (text === undefined) throw Object.assign(new Error('canary'), { code: 'ENOENT' })
      return text
    },
  })
}

describe('a login', () => {
  test.each(['client_secret_basic', 'client_secret_post'] as const)('with %s gets a token', async method => {
    const token = await request({ method })(undefined, forever)
    expect(token.value).toMatch(/^eyJ/)
    expect(token.refreshToken).toBeUndefined()
  })

  test('works with only the token endpoint, and with an ID token that was not requested', async () => {
    provider.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, id_token: 'nonsense' }) })
    const token = await request({ server: { tokenUrl: provider.tokenUrl } })(undefined, forever)
    expect(token.value).toMatch(/^eyJ/)
  })

  test('computes the end of a token from the local time, however wrong the clock of the server is', async () => {
    provider.setClockOffset(-7_200)
    expect((await request()(undefined, forever)).expiresAt).toBe(clock.now() + 300_000)
  })

  test.each([
    ['missing', undefined],
    ['zero', 0],
    ['no number', 'soon'],
    ['negative', -5],
    ['a year', 365 * 86_400],
    ['a year as text', String(365 * 86_400)],
  ])('takes the life from the JWT when expires_in is %s', async (_name, expiresIn) => {
    provider.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, expires_in: expiresIn }) })
    expect((await request()(undefined, forever)).expiresAt).toBe(clock.now() + 300_000)
  })

  test('asks the server once for eight who wait', async () => {
    const before = provider.tokenRequests.length
    const source = createTokenSource({ requestToken: request(), clock })
    const tokens = await Promise.all(Array.from({ length: 8 }, () => source.get()))
    expect(new Set(tokens).size).toBe(1)
    expect(provider.tokenRequests.length - before).toBe(1)
  })

  test('asks for its scopes', async () => {
    const token = await request({ scopes: ['openid', 'hasura'] })(undefined, forever)
    expect(token.value).toMatch(/^eyJ/)
  })

  test('renews with the refresh token if there is one, and logs in again when that is refused', async () => {
    const requestToken = request({ clientId: 'refreshing' })
    const first = await requestToken(undefined, forever)
    expect(first.refreshToken).toBeDefined()
    const grants = () =>
      provider.tokenRequests.filter(made => made.clientId === 'refreshing').map(made => made.grantType)
    const second = await requestToken(first, forever)
    expect(second.value).not.toBe(first.value)
    expect(grants()).toEqual(['client_credentials', 'refresh_token'])
    await requestToken(new Token('old', 0, 'never given'), forever)
    expect(grants().slice(2)).toEqual(['refresh_token', 'client_credentials'])
  })
})

describe('a refresh token', () => {
  const made = (from: number) => provider.tokenRequests.slice(from).map(({ grantType, status }) => [grantType, status])

  test('of a client that is refused is tried once, and every later attempt is one request', async () => {
    const requestToken = request({ clientId: 'refreshing' })
    const first = await requestToken(undefined, forever)
    provider.setEnabled('refreshing', false)
    const from = provider.tokenRequests.length
    await failureOf(requestToken(first, forever))
    await failureOf(requestToken(first, forever))
    await failureOf(requestToken(first, forever))
    provider.setEnabled('refreshing', true)
    expect(made(from)).toEqual([
      ['refresh_token', 401],
      ['client_credentials', 401],
      ['client_credentials', 401],
      ['client_credentials', 401],
    ])
  })

  test('that meets a rotated secret is followed by a login with the new one', async () => {
    const files = new Map([['/secret', secret]])
    const requestToken = request({ clientId: 'refreshing', secret: { file: '/secret' } }, { files })
    const first = await requestToken(undefined, forever)
    provider.rotateSecret('refreshing', 'rotated')
    files.set('/secret', 'rotated')
    const from = provider.tokenRequests.length
    expect((await requestToken(first, forever)).value).toMatch(/^eyJ/)
    provider.rotateSecret('refreshing', secret)
    expect(made(from)).toEqual([
      ['refresh_token', 401],
      ['client_credentials', 200],
    ])
  })
})

describe('a secret in a file', () => {
  const file = { file: '/run/secrets/client' }

  test('may end with a newline', async () => {
    const files = new Map([[file.file, `${secret}\r\n`]])
    expect((await request({ secret: file }, { files })(undefined, forever)).value).toMatch(/^eyJ/)
  })

  test('is read again when the client is refused, and used when it has changed', async () => {
    const files = new Map([[file.file, secret]])
    const requestToken = request({ secret: file }, { files })
    await requestToken(undefined, forever)
    provider.rotateSecret(clientId, 'rotated')
    const error = await failureOf(requestToken(undefined, forever))
    expect(error).toMatchObject({ code: 'client-auth', scope: 'account' })
    expect(error.message).toMatch(/secret file \/run\/secrets\/client/)
    files.set(file.file, 'rotated\n')
    expect((await requestToken(undefined, forever)).value).toMatch(/^eyJ/)
  })

  test('that was rotated between two tokens costs one refused request', async () => {
    const files = new Map([[file.file, secret]])
    const requestToken = request({ secret: file }, { files })
    await requestToken(undefined, forever)
    provider.rotateSecret(clientId, 'rotated')
    files.set(file.file, 'rotated')
    const before = provider.tokenRequests.length
    await requestToken(undefined, forever)
    expect(provider.tokenRequests.slice(before).map(made => made.status)).toEqual([401, 200])
  })

  test.each([
    ['is empty', new Map([[file.file, ' \n']]), /secret file \/run\/secrets\/client .*is empty/],
    ['is not there', new Map<string, string>(), /secret file \/run\/secrets\/client .*can't be read \(ENOENT\)/],
  ])('that %s is told by its path', async (_name, files, sentence) => {
    const error = await failureOf(request({ secret: file }, { files })(undefined, forever))
    expect(error).toMatchObject({ code: 'client-auth', scope: 'account' })
    expect(error.message).toMatch(sentence)
  })
})

describe('a refused login', () => {
  test.each<[string, Partial<SecretLogin>, string, RegExp]>([
    [
      'a wrong secret',
      { secret: { value: 'canary2' } },
      'client-auth',
      /unauthorized_client.*CLIENT_ID, and compare the secret/,
    ],
    [
      'a secret in quotation marks',
      { secret: { value: `"${secret}"` } },
      'client-auth',
      /\(CLIENT_SECRET, whose value is enclosed in quotation marks\)/,
    ],
    [
      'an unknown client',
      { clientId: 'nobody' },
      'client-auth',
      /refused client "nobody" at http.*invalid_client.*unknown or disabled/,
    ],
    ['a client without service account', { clientId: 'no-service-account' }, 'client-auth', /Service account roles/],
    ['a scope that does not exist', { scopes: ['openid', 'nonsense'] }, 'scope', /"openid nonsense"/],
    ['an empty secret', { secret: { value: '' } }, 'client-auth', /is empty/],
    [
      'an issuer without https',
      { server: { issuer: 'http://id.example.com/realms/a' } },
      'client-auth',
      /OIDC_ISSUER http:\/\/id.example.com\/realms\/a is not https/,
    ],
    [
      'a token URL without https',
      { server: { tokenUrl: 'http://id.example.com/token' } },
      'client-auth',
      /TOKEN_URL .* is not https/,
    ],
  ])('with %s says what to mend', async (_name, change, code, sentence) => {
    const error = await failureOf(request(change)(undefined, forever))
    expect(error).toBeInstanceOf(RefusalError)
    expect(error).toMatchObject({ code, scope: 'account' })
    expect(error.message).toMatch(sentence)
  })

  test('with a disabled client', async () => {
    provider.setEnabled(clientId, false)
    expect((await failureOf(request()(undefined, forever))).message).toMatch(/unknown or disabled/)
  })

  test('with a scope that was asked for and not granted names it', async () => {
    provider.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, scope: 'openid email' }) })
    const error = await failureOf(request({ scopes: ['openid', 'hasura', 'email'] })(undefined, forever))
    expect(error.code).toBe('scope')
    expect(error.message).toMatch(/the scope "hasura":/)
  })

  test('with a different issuer in its discovery document names both', async () => {
    provider.fault('discovery', { kind: 'rewrite', rewrite: body => ({ ...body, issuer: 'https://other/realms/a' }) })
    const error = await failureOf(request()(undefined, forever))
    expect(error.code).toBe('client-auth')
    expect(error.message).toContain(provider.issuer)
    expect(error.message).toContain('has the issuer "https://other/realms/a"')
  })

  test('with a discovered token endpoint that is not https sends no secret there', async () => {
    const endpoint = 'http://id.example.com/token'
    provider.fault('discovery', { kind: 'rewrite', rewrite: body => ({ ...body, token_endpoint: endpoint }) })
    expect((await failureOf(request()(undefined, forever))).message).toMatch(/id\.example\.com\/token is not https/)
  })
})

describe.each(['discovery', 'token'] as const)('when the %s endpoint', where => {
  test.each([
    ['shows HTML', { kind: 'html' }, /not JSON \(text\/html\)/],
    ['is cut off', { kind: 'cut-off' }, /cut off/],
    ['hangs', { kind: 'hang' }, /in time/],
    [
      'redirects',
      { kind: 'redirect', to: 'http://127.0.0.1:1/' },
      /redirects to http:\/\/127\.0\.0\.1:1 \(HTTP 30\d\)/,
    ],
    ['fails', { kind: 'status', status: 503, body: '{"error":"canary"}' }, /HTTP 503: check/],
    ['is forbidden by a proxy', { kind: 'status', status: 403, body: '<p>canary' }, /HTTP 403/],
    ['answers with other JSON', { kind: 'rewrite', rewrite: () => ({ canary: true }) }, /does not conform to OAuth/],
    ['answers with a list', { kind: 'rewrite', rewrite: () => ['canary'] }, /not JSON/],
  ] as const)('%s, it is tried again later and the sentence names the URL', async (_name, fault, sentence) => {
    provider.fault(where, fault)
    const requestToken = request({}, fault.kind === 'hang' ? { timeoutMs: 300 } : {})
    const error = await failureOf(requestToken(undefined, forever))
    expect(error).toBeInstanceOf(OutageError)
    expect(error.code).toBe('token-endpoint')
    expect(error.message).toMatch(sentence)
    expect(error.message).toContain(provider.issuer)
    provider.clearFaults()
    // Nothing of the failure is remembered.
    if (fault.kind !== 'hang') expect((await requestToken(undefined, forever)).value).toMatch(/^eyJ/)
  })

  test('asks for a pause, the pause is told', async () => {
    provider.fault(where, { kind: 'status', status: 429, headers: { 'retry-after': '17' } })
    const error = await failureOf(request()(undefined, forever))
    expect(error).toBeInstanceOf(OutageError)
    expect(error).toMatchObject({ retryAfterMs: 17_000 })
  })

  test('is still waited for, the caller can leave with a reason of its own', async () => {
    provider.fault(where, { kind: 'hang' })
    const leaving = new AbortController()
    const reason = new Error('leaving')
    const { issuer, tokenUrl } = provider
    const server = where === 'token' ? { tokenUrl } : { issuer }
    const waiting = request({ server })(undefined, leaving.signal)
    setImmediate(() => leaving.abort(reason))
    await expect(waiting).rejects.toBe(reason)
  })
})

test('an endpoint that is slow is waited for', async () => {
  provider.fault('token', { kind: 'latency', ms: 400 })
  provider.fault('discovery', { kind: 'latency', ms: 400 })
  expect((await request()(undefined, forever)).value).toMatch(/^eyJ/)
})

test('a token of 900 kB is told as what no API takes', async () => {
  provider.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, access_token: 'canary'.repeat(150_000) }) })
  const error = await failureOf(request()(undefined, forever))
  expect(error).toMatchObject({ name: 'RefusalError', code: 'claims', scope: 'account' })
  expect(error.message).toMatch(/has 900000 characters.*Full scope allowed/)
})

test('a provider that is down is told as such, and found again', async () => {
  const requestToken = request()
  await provider.stop()
  const error = await failureOf(requestToken(undefined, forever))
  expect(error).toMatchObject({ code: 'token-endpoint' })
  // A connection that was kept open ends first, when it is seen to be closed too late.
  expect(error.message).toMatch(/refused \(ECONNREFUSED\)|cut off/)
  await provider.start()
  expect((await requestToken(undefined, forever)).value).toMatch(/^eyJ/)
})

test('a realm that does not exist points to OIDC_ISSUER', async () => {
  const body = JSON.stringify({ error: 'Realm does not exist' })
  provider.fault('discovery', { kind: 'status', status: 404, headers: { 'content-type': 'application/json' }, body })
  expect((await failureOf(request()(undefined, forever))).message).toMatch(
    /HTTP 404 \(Realm does not exist\): .*OIDC_ISSUER/,
  )
})

test.each([
  ['discovery', 404, 'RESTEASY003210: Could not find resource for full path: https://canary/auth/realms'],
  ['token', 405, 'RESTEASY003650: No resource method found for POST, return 405 with Allow header'],
] as const)(
  'an address (%s) that a Keycloak from 17 to 21 does not know points to /auth',
  async (where, status, error) => {
    const body = JSON.stringify({ error })
    provider.fault(where, { kind: 'status', status, headers: { 'content-type': 'application/json' }, body })
    const { message } = await failureOf(request()(undefined, forever))
    expect(message).toMatch(/HTTP 40[45] \((?:Could not|No resource) .*\): .*has \/auth before \/realms/)
    expect(message).not.toMatch(/canary/)
  },
)

test('a token that would break the Authorization header is not taken', async () => {
  provider.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, access_token: 'canary\ncanary' }) })
  expect((await failureOf(request()(undefined, forever))).code).toBe('token-endpoint')
})

test('discovery happens once', async () => {
  const urls: string[] = []
  const requestToken = createRequestToken(
    {
      server: { issuer: provider.issuer },
      clientId,
      method: 'client_secret_basic',
      secret: { value: secret },
      scopes: [],
    },
    {
      clock,
      readSecretFile: async () => '',
      exchange: (address, outgoing, limits) => {
        urls.push(String(address))
        return exchange(address, outgoing, limits)
      },
    },
  )
  await requestToken(undefined, forever)
  await requestToken(undefined, forever)
  expect(urls.filter(url => url.includes('.well-known'))).toHaveLength(1)
  expect(urls).toHaveLength(3)
})
