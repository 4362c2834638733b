import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import type { KeyLogin, Login } from '../../src/account.ts'
import { WorkerError } from '../../src/errors.ts'
import { createKeycloakClient, type KeycloakClient } from '../services/keycloak-client.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { openLogin } from './open-login.ts'
import { createEcKey, createRsaKey, toJwk, toJwks, toPem } from './signing-keys.ts'

const forever = new AbortController().signal
const rsa = createRsaKey()
const pss = createRsaKey()
const ec = createEcKey()

let realm: Realm
let client: KeycloakClient
beforeAll(async () => {
  realm = await createRealm(getSharedKeycloak())
  client = await createKeycloakClient(realm, 'told', { secret: 'canary' })
})
afterAll(() => realm.remove())

const bySecret = (change: object = {}): Login => ({
  server: { issuer: realm.issuer },
  clientId: 'told',
  scopes: [],
  method: 'client_secret_basic',
  secret: { value: 'canary' },
  ...change,
})
const byKey = (): KeyLogin => ({
  server: { issuer: realm.issuer },
  clientId: 'told',
  scopes: [],
  method: 'private_key_jwt',
  keyFile: '/key',
})

/** What is told of a login that fails; undefined of one that doesn't. */
async function tell(login: Login, key = toPem(rsa), files: Record<string, string> = {}) {
  try {
    await openLogin(login, { files: { '/key': key, ...files } }).requestToken(undefined, forever)
    return undefined
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    expect(error.message).not.toContain('canary')
    const { code, found, remedy } = error
    return { code, found, remedy }
  }
}

const told = (code: string, found: RegExp, remedy: RegExp) => ({
  code,
  found: expect.stringMatching(found),
  remedy: expect.stringMatching(remedy),
})

async function changeUser(change: object): Promise<void> {
  const { admin, name } = realm
  const [found] = await admin.get(`/${name}/clients?clientId=told`, z.array(z.object({ id: z.string() })))
  const user = await admin.get(`/${name}/clients/${found?.id}/service-account-user`, z.looseObject({ id: z.string() }))
  await admin.put(`/${name}/users/${user.id}`, { ...user, ...change })
}

/** One policy for every client, with these executors or Keycloak's own profile. */
async function setPolicy(profile: string | undefined, executors: readonly (readonly [string, object])[] = []) {
  const { admin, name } = realm
  const policies = (list: readonly object[]) => admin.put(`/${name}/client-policies/policies`, { policies: list })
  await policies([])
  const listed = executors.map(([executor, configuration]) => ({ executor, configuration }))
  await admin.put(`/${name}/client-policies/profiles`, { profiles: [{ name: 'test', executors: listed }] })
  const conditions = [{ condition: 'any-client', configuration: {} }]
  if (profile !== undefined) await policies([{ name: 'test', enabled: true, conditions, profiles: [profile] }])
}

describe('an address that gives no tokens', () => {
  test.each<[string, (base: string) => Login['server'], RegExp, RegExp]>([
    [
      'of another endpoint',
      url => ({ tokenUrl: `${url}/protocol/openid-connect/certs` }),
      /405 \(HTTP 405/,
      /TOKEN_URL/,
    ],
    [
      'that is misspelt',
      url => ({ tokenUrl: `${url}/protocol/openid-connect/tokens` }),
      /405/,
      /Realm settings → Endpoints/,
    ],
    ['only of the realm', url => ({ tokenUrl: url }), /405/, /Realm settings → Endpoints/],
    [
      'of the discovery document',
      url => ({ tokenUrl: `${url}/.well-known/openid-configuration` }),
      /404/,
      /Realm settings → Endpoints/,
    ],
    [
      'of introspection',
      url => ({ tokenUrl: `${url}/protocol/openid-connect/token/introspect` }),
      /Token not provided/,
      /token introspection/,
    ],
    [
      'below /auth',
      url => ({ tokenUrl: url.replace('/realms', '/auth/realms') }),
      /matching target resource/,
      /has \/auth before \/realms/,
    ],
    ['of an issuer below /auth', url => ({ issuer: url.replace('/realms', '/auth/realms') }), /404/, /\/auth before/],
    [
      'with two slashes',
      url => ({ tokenUrl: `${url.replace('/realms', '//realms')}/protocol/openid-connect/token` }),
      /not normalized/,
      /TOKEN_URL with one \/ between/,
    ],
    ['of an unknown realm', url => ({ issuer: `${url}x` }), /Realm does not exist/, /Manage realms/],
    [
      "of an unknown realm's tokens",
      url => ({ tokenUrl: `${url}x/protocol/openid-connect/token` }),
      /Realm does not exist/,
      /Manage realms/,
    ],
  ])('%s is told as such, not as a wrong secret', async (_what, server, found, remedy) => {
    const answer = await tell(bySecret({ server: server(realm.issuer) }))
    expect(answer).toEqual(told('token-endpoint', found, remedy))
    expect(answer?.remedy).not.toMatch(/CLIENT_SECRET/)
  })

  test.each([
    ['issuer', () => ({ issuer: realm.issuer })],
    ['token endpoint', () => ({ tokenUrl: realm.tokenUrl })],
  ])('because the realm is disabled, by its %s', async (_what, server) => {
    await realm.admin.put(`/${realm.name}`, { enabled: false })
    const answer = await tell(bySecret({ server: server() }))
    await realm.admin.put(`/${realm.name}`, { enabled: true })
    expect(answer).toEqual(told('token-endpoint', /403 \(Realm not enabled\)/, /Enabled at the top of Realm settings/))
  })

  test.each([
    ['issuer', () => ({ issuer: realm.issuer })],
    ['token endpoint', () => ({ tokenUrl: realm.tokenUrl })],
  ])('because the realm wants https, by its %s', async (_what, server) => {
    await realm.admin.put(`/${realm.name}`, { sslRequired: 'all' })
    const answer = await tell(bySecret({ server: server() }))
    await realm.admin.put(`/${realm.name}`, { sslRequired: 'external' })
    expect(answer).toEqual(
      told('token-endpoint', /403 \(HTTPS required\)/, /https address.*proxy-headers.*Require SSL/),
    )
  })
})

test.each<[string, object, () => Login, RegExp, RegExp]>([
  [
    'by certificate',
    { clientAuthenticatorType: 'client-x509' },
    bySecret,
    /Missing client_id parameter.*expects a client certificate and got client_secret_basic$/,
    /CLIENT_AUTH=tls_client_auth, or Client Authenticator to Client Id and Secret under Clients → other/,
  ],
  [
    'by an assertion that its secret signs',
    { clientAuthenticatorType: 'client-secret-jwt' },
    byKey,
    /expects an assertion signed with its secret/,
    /Client Authenticator to Signed JWT under Clients → other → Credentials$/,
  ],
  [
    'of SAML',
    // Otherwise Keycloak makes it a key.
    { protocol: 'saml', attributes: { 'saml.client.signature': 'false' } },
    bySecret,
    /Wrong client protocol.*SAML$/,
    /CLIENT_ID to a client of the type OpenID/,
  ],
])('a client %s is told, not a wrong secret', async (_what, change, login, found, remedy) => {
  const { admin, name } = realm
  const other = { clientId: 'other', secret: 'canary', publicClient: false, serviceAccountsEnabled: true, ...change }
  const id = await admin.post(`/${name}/clients`, other)
  const answer = await tell({ ...login(), clientId: 'other' })
  await admin.delete(`/${name}/clients/${id}`)
  expect(answer).toEqual(told('client-auth', found, remedy))
})

test("a service account's user that is disabled is told", async () => {
  await changeUser({ enabled: false })
  const answer = await tell(bySecret())
  await changeUser({ enabled: true })
  const place = /Enabled under Clients → told → Service account roles → service-account-told$/
  expect(answer).toEqual(told('client-auth', /User 'service-account-told' disabled\), because .* is disabled$/, place))
})

test("a service account's user that was deleted is told", async () => {
  await createKeycloakClient(realm, 'orphan', { secret: 'canary' })
  const { admin, name } = realm
  const [found] = await admin.get(`/${name}/clients?clientId=orphan`, z.array(z.object({ id: z.string() })))
  const user = await admin.get(`/${name}/clients/${found?.id}/service-account-user`, z.object({ id: z.string() }))
  await admin.delete(`/${name}/users/${user.id}`)
  const answer = await tell(bySecret({ clientId: 'orphan' }))
  expect(answer).toEqual(told('client-auth', /user was deleted$/, /off and on again under Clients → orphan/))
})

test.each([
  ['dpop.bound.access.tokens', /DPoP proof is missing/, /Require DPoP bound tokens under Clients → told/],
  ['tls.client.certificate.bound.access.tokens', /MTLS HoK/, /Certificate Bound Access Tokens Enabled under Clients/],
])('tokens that are bound (%s) are told', async (attribute, found, remedy) => {
  await client.change({ attributes: { [attribute]: 'true' } })
  const answer = await tell(bySecret())
  await client.change({ attributes: { [attribute]: 'false' } })
  expect(answer).toEqual(told('client-auth', found, remedy))
  expect(await tell(bySecret())).toBeUndefined()
})

describe('the password of a user', () => {
  const login = () => bySecret({ method: 'password', usernameFile: '/name', passwordFile: '/password' })
  const wrong = { '/name': 'ann', '/password': 'canary-wrong' }
  const right = { ...wrong, '/password': 'canary-right' }
  const maybe = told(
    'client-auth',
    /password is wrong.*locked.*one-time password/,
    /must be no Otp.*Temporarily locked/,
  )
  const otp = {
    type: 'otp',
    secretData: JSON.stringify({ value: 'JBSWY3DPEHPK3PXP' }),
    credentialData: JSON.stringify({ subType: 'totp', digits: 6, counter: 0, period: 30, algorithm: 'HmacSHA1' }),
  }
  const password = { type: 'password', value: right['/password'], temporary: false }

  beforeAll(() => client.change({ directAccessGrantsEnabled: true }))
  afterAll(() => client.change({ directAccessGrantsEnabled: false }))

  test.each<[string, object[]]>([
    ['who is locked after a wrong one is told as perhaps that', [password]],
    ['who has a one-time password is told as perhaps that', [password, otp]],
  ])('%s', async (_what, credentials) => {
    const { admin, name } = realm
    const names = { firstName: 'Ann', lastName: 'Bee', email: 'ann@wiki.example' }
    const user = { username: 'ann', enabled: true, emailVerified: true, ...names, credentials }
    const id = await admin.post(`/${name}/users`, user)
    const isLocked = credentials.length === 1
    if (isLocked) {
      expect(await tell(login(), undefined, right)).toBeUndefined()
      await admin.put(`/${name}`, { bruteForceProtected: true, failureFactor: 1 })
      expect(await tell(login(), undefined, wrong)).toEqual(maybe)
    }
    expect(await tell(login(), undefined, right)).toEqual(maybe)
    await admin.put(`/${name}`, { bruteForceProtected: false })
    await admin.delete(`/${name}/users/${id}`)
  })
})

describe('a client policy', () => {
  afterAll(() => setPolicy(undefined))

  test.each<[string, string, object, RegExp, RegExp]>([
    [
      'that forbids secrets',
      'secure-client-authenticator',
      { 'allowed-client-authenticators': ['client-jwt'], 'default-client-authenticator': 'client-jwt' },
      /a client policy forbids client_secret_basic$/,
      /CLIENT_AUTH.*private_key_jwt.*Realm settings → Client policies/,
    ],
    ['that rejects requests', 'reject-request', {}, /Request not allowed/, /reject-request.*Client policies/],
    ['that binds tokens', 'holder-of-key-enforcer', {}, /client certificate/, /holder-of-key-enforcer/],
  ])('%s is told', async (_what, executor, configuration, found, remedy) => {
    await setPolicy('test', [[executor, configuration]])
    expect(await tell(bySecret())).toEqual(told('client-auth', found, remedy))
  })

  test('that forbids passwords is told', async () => {
    await setPolicy(undefined)
    await client.change({ directAccessGrantsEnabled: true })
    await setPolicy('test', [['reject-ropc-grant', {}]])
    const login = { method: 'password', usernameFile: '/key', passwordFile: '/key' }
    const answer = await tell(bySecret(login))
    expect(answer).toEqual(
      told('client-auth', /forbids logging in with a password/, /service account.*reject-ropc-grant/),
    )
  })

  test('of FAPI 2 is told to want PS256 or ES256, which are enough for it', async () => {
    const keys = await toJwks([
      [rsa, { kid: 'rsa', alg: 'RS256' }],
      [pss, { kid: 'pss', alg: 'PS256' }],
      [ec, { kid: 'ec', alg: 'ES256' }],
    ])
    await setPolicy(undefined)
    await client.change({
      clientAuthenticatorType: 'client-jwt',
      attributes: { 'use.jwks.string': 'true', 'jwks.string': keys },
    })
    await setPolicy('fapi-2-dpop-security-profile')
    const answer = await tell(byKey(), await toJwk(rsa.privateKey, { kid: 'rsa', alg: 'RS256' }))
    expect(answer).toEqual(
      told(
        'client-auth',
        /not allowed signature algorithm.*FAPI/,
        /replace .*\/key \(RS256, kid "rsa"\) by one that signs with PS256/,
      ),
    )
    expect(await tell(byKey(), await toJwk(pss.privateKey, { kid: 'pss', alg: 'PS256' }))).toBeUndefined()
    expect(await tell(byKey(), await toJwk(ec.privateKey, { kid: 'ec' }))).toBeUndefined()
  })
})

describe('of a client with keys', () => {
  test.each<[string, Record<string, string>, RegExp, RegExp]>([
    [
      'another algorithm than it is told to sign with',
      { 'token.endpoint.auth.signing.alg': 'PS256' },
      /Invalid signature algorithm/,
      /Signature algorithm under Clients → told → Credentials/,
    ],
    [
      'an address of its keys that does not answer',
      { 'use.jwks.string': 'false', 'use.jwks.url': 'true', 'jwks.url': 'http://127.0.0.1:9/keys' },
      /can't fetch the client's keys/,
      /Keys → JWKS URL/,
    ],
  ])('%s is told', async (_what, attributes, found, remedy) => {
    await client.change({ clientAuthenticatorType: 'client-jwt', attributes })
    expect(await tell(byKey())).toEqual(told('client-auth', found, remedy))
    await client.change({ attributes: { 'token.endpoint.auth.signing.alg': '' } })
  })
})
