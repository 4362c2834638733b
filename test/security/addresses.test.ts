import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createRequestToken } from '../../src/auth/request-token.ts'
import { parseConfig } from '../../src/config/config.ts'
import { ConfigError } from '../../src/errors.ts'
import { createAuthorize } from '../../src/http/authorize.ts'
import { explainInsecure } from '../../src/outgoing/secure-address.ts'
import { parseKeycloakIssuer } from '../../src/rest/keycloak-admin.ts'
import { createRestApi } from '../../src/rest/rest-api.ts'
import { systemClock } from '../../src/time/clock.ts'
import { createAccess } from '../fixtures/create-access.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { startScriptedServer } from '../fixtures/scripted-server.ts'

const base = {
  OIDC_ISSUER: 'https://id.example/realms/r',
  CLIENT_ID: 'sync',
  CLIENT_SECRET: 'secret',
  HTTP_AUDIENCE: 'worker',
  HTTP_ROLE: 'r',
  HTTP_ISSUER: 'https://id.example/realms/r',
}

/** What each address is looked at with: the configuration, or its user. */
const uses: Readonly<Record<string, (address: string, hosts: string) => unknown>> = {
  HASURA_URL: (address, hosts) => parseConfig({ ...base, HASURA_URL: address, ALLOW_INSECURE_HOSTS: hosts }),
  HTTP_ISSUER: (address, hosts) => parseConfig({ ...base, HTTP_ISSUER: address, ALLOW_INSECURE_HOSTS: hosts }),
  HTTP_JWKS_URL: (address, hosts) => parseConfig({ ...base, HTTP_JWKS_URL: address, ALLOW_INSECURE_HOSTS: hosts }),
  API_BASE_URL: (address, hosts) => {
    const [account] = parseConfig({ ...base, API_BASE_URL: address, ALLOW_INSECURE_HOSTS: hosts }).accounts
    return account?.api && createRestApi({ ...createAccess(), ...account.api })
  },
  'the Admin API': (address, hosts) => {
    const [account] = parseConfig({ ...base, ALLOW_INSECURE_HOSTS: hosts }).accounts
    return parseKeycloakIssuer(`${address}/realms/r`, account?.login.insecureHosts)
  },
}

describe.each(Object.entries(uses))('%s', (_name, use) => {
  test.each([
    'http://other.example/a',
    'http://10.0.0.1/a',
    'http://0.0.0.0/a',
    'http://[::]/a',
    'http://0/a',
    'http://169.254.169.254/a',
  ])('is not %s, unless somebody says that the network between is theirs', address => {
    const { hostname } = new URL(address)
    expect(() => use(address, '')).toThrow(ConfigError)
    expect(() => use(address, '')).toThrow(`ALLOW_INSECURE_HOSTS=${hostname}`)
    expect(() => use(address, `another ${hostname}`)).not.toThrow()
    expect(() => use(address, `another.${hostname.replaceAll(/[[\]:]/g, '')} another`)).toThrow(ConfigError)
  })

  test.each(['https://other.example/a', 'http://localhost:1/a', 'http://127.0.0.1/a', 'http://[::1]:1/a'])(
    'may be %s',
    address => {
      expect(() => use(address, '')).not.toThrow()
    },
  )
})

const addresses = ['OIDC_ISSUER', 'TOKEN_URL', 'HASURA_URL', 'API_BASE_URL', 'HTTP_ISSUER', 'HTTP_JWKS_URL'] as const

describe.each(addresses)('%s', variable => {
  test.each([
    'https://canary:canary@a.example/x',
    'https://canary@a.example/x',
    'https://a.example/x#canary',
    'http://canary:canary@a.example/x?canary#canary',
  ])('with a secret in it (%s) is refused, and never shown', address => {
    expect(messageOf({ ...base, [variable]: address })).toMatch(new RegExp(`^${variable} has a user`))
  })

  const hasQuery = variable === 'TOKEN_URL' || variable === 'HTTP_JWKS_URL'
  test(`with a query is ${hasQuery ? 'taken, since some servers need one' : 'refused, since it would be shown and stored'}`, () => {
    const env = { ...base, [variable]: 'https://a.example/x?apikey=canary' }
    if (hasQuery) expect(() => parseConfig(env)).not.toThrow()
    else expect(messageOf(env)).toMatch(/a user, a query or a fragment: remove them/)
  })
})

/** What is wrong with a configuration, after a look whether it tells a secret. */
function messageOf(env: Record<string, string>): string {
  try {
    parseConfig(env)
    return 'nothing'
  } catch (error) {
    const message = String(error instanceof Error ? error.message : error)
    expect(message).not.toContain('canary')
    return message
  }
}

test('for any address, plain http is only for loopback and the named hosts', () => {
  const url = fc.webUrl({ validSchemes: ['http', 'https', 'ftp', 'ws'], withQueryParameters: true })
  fc.assert(
    fc.property(url, fc.array(fc.domain()), (text, insecureHosts) => {
      const address = new URL(text)
      const isTaken = explainInsecure(address, 'X', { insecureHosts }) === undefined
      const isNamed = address.protocol === 'http:' && insecureHosts.includes(address.hostname)
      expect(isTaken).toBe(address.protocol === 'https:' || isNamed)
    }),
  )
})

test.each(['http://hasura', 'hasura:8080', 'hasura/v1', 'user@hasura', '*', 'a?b', 'http:'])(
  'ALLOW_INSECURE_HOSTS=%s is refused',
  hosts => {
    expect(() => parseConfig({ ...base, ALLOW_INSECURE_HOSTS: hosts })).toThrow(/something other than host names/)
  },
)

test('names of machines may be written as they come', () => {
  const [account] = parseConfig({ ...base, ALLOW_INSECURE_HOSTS: ' Hasura, keycloak.internal  [::2]' }).accounts
  expect(account?.login.insecureHosts).toEqual(['hasura', 'keycloak.internal', '[::2]'])
})

describe('what a discovery document names', () => {
  const named = 'http://id.example/x'
  const secret = { value: 'canary-secret' }

  test('gets no secret over http from an issuer over https, whatever is allowed', async () => {
    const sent: string[] = []
    const issuer = 'https://id.example/realms/r'
    const login = { server: { issuer }, clientId: 'sync', scopes: [], method: 'client_secret_basic' as const, secret }
    const requestToken = createRequestToken(
      { ...login, allowInsecure: true, insecureHosts: ['id.example'] },
      {
        clock: systemClock,
        readSecretFile: async () => '',
        exchange: async (address, { method = 'GET' }) => {
          sent.push(`${method} ${address}`)
          const body = Buffer.from(JSON.stringify({ issuer, token_endpoint: named }))
          return { status: 200, headers: new Headers(), body }
        },
      },
    )
    const error = await failureOf(requestToken(undefined, new AbortController().signal))
    expect(error.message).toMatch(/token_endpoint .*http:\/\/id\.example\/x is not https, though the issuer itself is/)
    expect(sent).toEqual([`GET ${issuer}/.well-known/openid-configuration`])
  })

  test('gives no keys over http from another machine', async () => {
    await using server = await startScriptedServer((request, response) => {
      response.end(JSON.stringify({ issuer: `http://${request.headers.host}`, jwks_uri: 'http://0.0.0.0:1/certs' }))
    })
    const authorize = createAuthorize({ issuer: server.url, audience: 'worker', role: 'r' })
    const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
    const payload = { iss: server.url, aud: 'worker', exp: 4e9 }
    const token = `${encode({ alg: 'RS256', kid: 'k', typ: 'JWT' })}.${encode(payload)}.c2ln`
    expect(await authorize(`Bearer ${token}`)).toMatchObject({
      status: 503,
      cause: { message: expect.stringContaining('jwks_uri of HTTP_ISSUER http://0.0.0.0:1/certs is not https') },
    })
    expect(server.requests).toHaveLength(1)
  })
})
