import { decodeProtectedHeader, jwtVerify, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import type { KeyLogin, Login, PasswordLogin } from '../../src/account.ts'
import { findDeprecation } from '../../src/auth/find-deprecation.ts'
import { createTokenEndpoints } from '../../src/auth/token-endpoint.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { openLogin } from './open-login.ts'
import { createEcKey, createRsaKey, toJwk, toPem } from './signing-keys.ts'

const forever = new AbortController().signal
const base = { server: { tokenUrl: 'https://id.example/token' }, clientId: 'sync', scopes: ['hasura'] }
const byKey: KeyLogin = { ...base, method: 'private_key_jwt', keyFile: '/key' }
const byPassword: PasswordLogin = { ...base, method: 'password', usernameFile: '/user', passwordFile: '/password' }

interface Received {
  readonly form: URLSearchParams
  readonly authorization: string | null
}

/** A token endpoint that takes or refuses what it is told to, and remembers what it got. */
function createEndpoint(date?: string) {
  const received: Received[] = []
  const answers: (readonly [status: number, error: string])[] = []
  const fetch: typeof globalThis.fetch = async (_address, init) => {
    const headers = new Headers(init?.headers)
    received.push({ form: new URLSearchParams(String(init?.body)), authorization: headers.get('authorization') })
    const [status, error] = answers.shift() ?? [200, '']
    const token = { access_token: new UnsecuredJWT({}).encode(), token_type: 'Bearer', expires_in: 60 }
    return Response.json(status === 200 ? token : { error }, { status, headers: date ? { date } : {} })
  }
  return { fetch, received, answers }
}

describe('private_key_jwt', () => {
  const rsa = createRsaKey()
  const ec = createEcKey()

  test.each<[string, () => string | Promise<string>, Partial<KeyLogin>, object, typeof rsa]>([
    ['RSA', () => toPem(rsa), {}, { alg: 'RS256' }, rsa],
    ['RSA and a kid', () => toPem(rsa), { keyId: 'a' }, { alg: 'RS256', kid: 'a' }, rsa],
    ['a JWK for PS256', () => toJwk(rsa.privateKey, { alg: 'PS256', kid: 'b' }), {}, { alg: 'PS256', kid: 'b' }, rsa],
    ['a curve', () => toPem(ec), {}, { alg: 'ES256' }, ec],
  ])('sends an assertion that is signed with %s', async (_name, text, change, header, pair) => {
    const { fetch, received } = createEndpoint()
    const clock = new VirtualClock()
    const { requestToken } = openLogin({ ...byKey, ...change }, { files: { '/key': await text() }, fetch, clock })
    await requestToken(undefined, forever)
    await requestToken(undefined, forever)
    const identifiers = new Set<unknown>()
    for (const { form, authorization } of received) {
      const assertion = form.get('client_assertion') ?? ''
      expect(decodeProtectedHeader(assertion)).toEqual(header)
      const { payload } = await jwtVerify(assertion, pair.publicKey, { currentDate: new Date(clock.now()) })
      const now = clock.now() / 1_000
      expect(payload).toMatchObject({
        iss: 'sync',
        sub: 'sync',
        aud: 'https://id.example/token',
        // A server whose clock is up to this much behind accepts it.
        iat: now - 10,
        nbf: now - 10,
        exp: now + 50,
      })
      identifiers.add(payload.jti)
      expect(Object.fromEntries(form)).toMatchObject({ grant_type: 'client_credentials', scope: 'hasura' })
      expect(authorization).toBeNull()
    }
    // RFC 7523, section 3: an assertion is for one use.
    expect(identifiers.size).toBe(2)
  })

  test('dates its assertions by the server’s clock once that is known, and tries again then', async () => {
    const clock = new VirtualClock()
    const serverNow = clock.now() + 7_200_000
    const { fetch, received, answers } = createEndpoint(new Date(serverNow).toUTCString())
    answers.push([400, 'invalid_client'])
    const { requestToken } = openLogin(byKey, { files: { '/key': toPem(rsa) }, fetch, clock })
    await requestToken(undefined, forever)
    const issuedAt = received.map(({ form }) => {
      const payload = Buffer.from(form.get('client_assertion')?.split('.')[1] ?? '', 'base64url')
      return JSON.parse(String(payload)).iat
    })
    expect(issuedAt).toEqual([clock.now() / 1_000 - 10, serverNow / 1_000 - 10])
  })
})

describe('client_secret_basic', () => {
  test.each([
    ['sync-worker.de_v1', 'aB3-_.x', 'sync-worker.de_v1:aB3-_.x'],
    ['sync:worker', 'a b+c%/ü', 'sync%3Aworker:a+b%2Bc%25%2F%C3%BC'],
  ])('encodes "%s" and "%s" only where a form must be encoded', async (clientId, secret, shown) => {
    const { fetch, received } = createEndpoint()
    const byBasic: Login = { ...base, clientId, method: 'client_secret_basic', secret: { file: '/secret' } }
    await openLogin(byBasic, { files: { '/secret': secret }, fetch }).requestToken(undefined, forever)
    expect(received[0]?.authorization).toBe(`Basic ${btoa(shown)}`)
  })
})

describe('password', () => {
  const files = { '/user': 'technical\n', '/password': 'canary :+\n', '/secret': 'canary\n' }

  test('sends the user’s name and password, with the secret of a client that has one', async () => {
    for (const secret of [undefined, { file: '/secret' }]) {
      const { fetch, received } = createEndpoint()
      const login = openLogin({ ...byPassword, ...(secret && { secret }) }, { files, fetch })
      await login.requestToken(undefined, forever)
      expect(Object.fromEntries(received[0]?.form ?? [])).toEqual({
        grant_type: 'password',
        username: 'technical',
        password: 'canary :+',
        scope: 'hasura',
        ...(!secret && { client_id: 'sync' }),
      })
      expect(received[0]?.authorization ?? null).toBe(secret ? `Basic ${btoa('sync:canary')}` : null)
    }
  })

  test('alone is deprecated', () => {
    expect(findDeprecation(byPassword)).toMatchObject({
      found: expect.stringMatching(/^CLIENT_AUTH=password /),
      remedy: expect.stringContaining('Service account roles'),
    })
    expect(findDeprecation(byKey)).toBeUndefined()
  })
})

describe('plain http to another machine', () => {
  const issuer = 'http://keycloak:8080/realms/wiki'
  const tokenUrl = `${issuer}/protocol/openid-connect/token`
  const open = (server: Login['server'], allowInsecure: boolean) => {
    const { fetch, received } = createEndpoint()
    const discovering: typeof fetch = async (address, init) =>
      init?.method === 'GET' ? Response.json({ issuer, token_endpoint: tokenUrl }) : fetch(address, init)
    const login: Login = { ...base, server, method: 'client_secret_post', secret: { value: 'canary' }, allowInsecure }
    return { received, login: openLogin(login, { fetch: discovering }) }
  }

  test.each([{ issuer }, { tokenUrl }, { issuer, tokenUrl }])(
    'is refused, and used where it is allowed: %j',
    async server => {
      const refused = open(server, false)
      const error = await failureOf(refused.login.requestToken(undefined, forever))
      expect(error).toMatchObject({ name: 'RefusalError', code: 'client-auth' })
      expect(error.message).toMatch(/is not https.*ALLOW_INSECURE_HOSTS=keycloak$/)
      expect(refused.received).toEqual([])
      const allowed = open(server, true)
      await allowed.login.requestToken(undefined, forever)
      expect(allowed.received).toHaveLength(1)
    },
  )
})

test('a certificate is shown at the address that discovery names for it', async () => {
  const asked: string[] = []
  const endpoints = createTokenEndpoints({
    ...base,
    server: { issuer: 'https://id.example/realms/wiki' },
    method: 'tls_client_auth',
    certificateFile: '/certificate',
    keyFile: '/key',
  })
  const found = await endpoints.get(async address => {
    asked.push(String(address))
    const mtls_endpoint_aliases = { token_endpoint: 'https://mtls.id.example/token' }
    return Response.json({ issuer: 'https://id.example/realms/wiki', token_endpoint: 'x', mtls_endpoint_aliases })
  }, forever)
  expect(found).toMatchObject({ token_endpoint: 'https://mtls.id.example/token' })
  expect(asked).toHaveLength(1)
})

describe.each<[Login['method'], Login, Record<string, string>, Record<string, string>]>([
  [
    'client_secret_basic',
    { ...base, method: 'client_secret_basic', secret: { file: '/secret' } },
    { '/secret': 'canary1' },
    { '/secret': 'canary2' },
  ],
  ['private_key_jwt', byKey, { '/key': toPem(createEcKey()) }, { '/key': toPem(createEcKey()) }],
  ['password', byPassword, { '/user': 'a', '/password': 'canary1' }, { '/user': 'a', '/password': 'canary2' }],
])('a refused %s', (_method, login, files, rotated) => {
  const path = Object.keys(files).at(-1) ?? ''

  test('that is unchanged is one request, however often', async () => {
    const { fetch, answers } = createEndpoint()
    const { requestToken, requests } = openLogin(login, { files, fetch })
    for (let probe = 1; probe <= 3; probe += 1) {
      answers.push([401, 'invalid_client'])
      expect((await failureOf(requestToken(undefined, forever))).message).toContain(path)
      expect(requests).toHaveLength(probe)
    }
  })

  test('that was rotated is tried once more, and no more than once', async () => {
    const { fetch, answers } = createEndpoint()
    const opened = openLogin(login, { files, fetch })
    await opened.requestToken(undefined, forever)
    for (const [name, text] of Object.entries(rotated)) opened.files.set(name, text)
    answers.push([401, 'unauthorized_client'])
    await opened.requestToken(undefined, forever)
    expect(opened.requests.map(({ status }) => status)).toEqual([200, 401, 200])
    for (const [name, text] of Object.entries(files)) opened.files.set(name, text)
    answers.push([401, 'unauthorized_client'], [401, 'unauthorized_client'])
    await failureOf(opened.requestToken(undefined, forever))
    expect(opened.requests).toHaveLength(5)
  })

  test.each([
    ['gone', undefined, /can't be read \(ENOENT\)/],
    ['empty', ' \r\n', /is empty/],
  ])('whose file is %s sends nothing, and goes on when it is back', async (_name, text, sentence) => {
    const { fetch } = createEndpoint()
    const opened = openLogin(login, { files, fetch })
    if (text === undefined) opened.files.delete(path)
    else opened.files.set(path, text)
    const error = await failureOf(opened.requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'RefusalError', code: 'client-auth' })
    expect(error.message).toMatch(sentence)
    expect(error.message).toContain(path)
    expect(opened.requests).toEqual([])
    for (const [name, content] of Object.entries(files)) opened.files.set(name, content)
    await opened.requestToken(undefined, forever)
  })
})
