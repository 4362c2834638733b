import { decodeJwt, UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import type { Login, SecretLogin } from '../../src/account.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { openLogin } from './open-login.ts'
import { createEcKey, toPem } from './signing-keys.ts'

const forever = new AbortController().signal
const issuer = 'https://id.example/realms/wiki'
const login: SecretLogin = {
  server: { issuer },
  clientId: 'sync',
  scopes: [],
  method: 'client_secret_basic',
  secret: { value: 'canary' },
}

const grant = () => Response.json({ access_token: new UnsecuredJWT({}).encode(), token_type: 'Bearer', expires_in: 60 })

/** A server whose discovery document names `address`, where alone it gives tokens; elsewhere `elsewhere` answers. */
function createServer(elsewhere: () => Response = () => new Response(null, { status: 404 })) {
  const server = {
    address: 'https://id.example/old',
    isDiscoverable: true,
    asked: [] as string[],
    form: new URLSearchParams(),
  }
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const address = String(input)
    server.asked.push(`${init?.method} ${address}`)
    if (init?.method === 'GET') {
      return server.isDiscoverable
        ? Response.json({ issuer, token_endpoint: server.address })
        : new Response('', { status: 503 })
    }
    server.form = new URLSearchParams(String(init?.body))
    return address === server.address ? grant() : elsewhere()
  }
  return Object.assign(server, { fetch })
}

function fail(code: string): never {
  throw Object.assign(new TypeError('fetch failed'), { cause: Object.assign(new Error(code), { code }) })
}

const abandoned: readonly (readonly [what: string, answer: () => Response])[] = [
  [
    'knows nothing of it',
    () => Response.json({ error: 'Unable to find matching target resource method' }, { status: 404 }),
  ],
  ['takes no POST', () => Response.json({ error: 'HTTP 405 Method Not Allowed' }, { status: 405 })],
  ['has no such realm', () => Response.json({ error: 'Realm does not exist' }, { status: 404 })],
  [
    'has the realm disabled',
    () => Response.json({ error: 'access_denied', error_description: 'Realm not enabled' }, { status: 403 }),
  ],
  ['knows another client', () => Response.json({ error: 'invalid_client' }, { status: 401 })],
  ['knows another secret', () => Response.json({ error: 'unauthorized_client' }, { status: 401 })],
  ['shows a page', () => new Response('<p>moved', { headers: { 'content-type': 'text/html' } })],
  ['redirects', () => new Response(null, { status: 308, headers: { location: 'https://id.example/new' } })],
  ['has no server behind it', () => new Response('', { status: 502 })],
  ['listens no more', () => fail('ECONNREFUSED')],
  ['has no name any more', () => fail('ENOTFOUND')],
  ['has the certificate of another', () => fail('ERR_TLS_CERT_ALTNAME_INVALID')],
]

describe('a discovered token endpoint', () => {
  test.each(abandoned)('is discovered again when the old address %s', async (_what, answer) => {
    const server = createServer(answer)
    const { requestToken } = openLogin(login, { fetch: server.fetch })
    await requestToken(undefined, forever)
    server.address = 'https://id.example/new'
    server.asked.length = 0
    await requestToken(undefined, forever)
    await requestToken(undefined, forever)
    expect(server.asked.map(each => each.replace('https://id.example/', ''))).toEqual([
      'POST old',
      'GET realms/wiki/.well-known/openid-configuration',
      'POST new',
      'POST new',
    ])
  })

  test.each(abandoned)('that has not moved is asked once for each attempt when it %s', async (_what, answer) => {
    const server = createServer()
    const { requestToken } = openLogin(login, {
      fetch: async (input, init) => {
        const answered = await server.fetch(input, init)
        return init?.method === 'GET' ? answered : answer()
      },
    })
    for (let attempt = 1; attempt <= 2; attempt += 1) await failureOf(requestToken(undefined, forever))
    expect(server.asked.filter(each => each.startsWith('POST'))).toHaveLength(2)
  })

  test('keeps serving when discovery fails', async () => {
    let refuses = false
    const server = createServer()
    const { requestToken } = openLogin(login, {
      fetch: async (input, init) =>
        refuses && init?.method === 'POST'
          ? Response.json({ error: 'invalid_client' }, { status: 401 })
          : server.fetch(input, init),
    })
    await requestToken(undefined, forever)
    refuses = true
    server.isDiscoverable = false
    expect((await failureOf(requestToken(undefined, forever))).code).toBe('client-auth')
    refuses = false
    await requestToken(undefined, forever)
  })

  test('is kept when a server asks for a pause', async () => {
    const server = createServer(() => new Response('', { status: 429, headers: { 'retry-after': '9' } }))
    const { requestToken } = openLogin(login, { fetch: server.fetch })
    await requestToken(undefined, forever)
    server.address = 'https://id.example/new'
    server.asked.length = 0
    expect(await failureOf(requestToken(undefined, forever))).toMatchObject({ retryAfterMs: 9_000 })
    expect(server.asked).toHaveLength(1)
  })
})

test.each([
  ['no token endpoint', undefined, /names no token_endpoint: .*TOKEN_URL/],
  ['a token endpoint without host', '/token', /names, is not a URL: correct it .*TOKEN_URL/],
])('a discovery document with %s is told', async (_what, endpoint, sentence) => {
  const document = { issuer, token_endpoint: endpoint }
  const { requestToken } = openLogin(login, { fetch: async () => Response.json(document) })
  const error = await failureOf(requestToken(undefined, forever))
  expect(error).toMatchObject({ code: 'client-auth', message: expect.stringMatching(sentence) })
})

describe('an issuer with a token endpoint of its own', () => {
  const tokenUrl = 'https://inside.example/token'
  const server = { issuer, tokenUrl }

  test('is named in assertions, and never asked', async () => {
    const endpoint = Object.assign(createServer(), { address: tokenUrl })
    const byKey: Login = { ...login, server, method: 'private_key_jwt', keyFile: '/key' }
    const { requestToken } = openLogin(byKey, { files: { '/key': toPem(createEcKey()) }, fetch: endpoint.fetch })
    await requestToken(undefined, forever)
    expect(decodeJwt(endpoint.form.get('client_assertion') ?? '')).toMatchObject({ aud: issuer })
    expect(endpoint.asked).toEqual([`POST ${tokenUrl}`])
  })

  test('is not discovered when it fails', async () => {
    const endpoint = createServer()
    const { requestToken } = openLogin({ ...login, server }, { fetch: endpoint.fetch })
    await failureOf(requestToken(undefined, forever))
    expect(endpoint.asked).toEqual([`POST ${tokenUrl}`])
  })
})
