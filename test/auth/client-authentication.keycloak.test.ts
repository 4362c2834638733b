import { randomUUID } from 'node:crypto'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { KeyLogin, Login, PasswordLogin } from '../../src/account.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { createKeycloakClient, type KeycloakClient } from '../services/keycloak-client.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { type OpenedLogin, openLogin } from './open-login.ts'
import { createEcKey, createRsaKey, type SigningKeyPair, toJwk, toJwks, toPem } from './signing-keys.ts'

const forever = new AbortController().signal

let realm: Realm
beforeAll(async () => {
  realm = await createRealm(getSharedKeycloak())
})
afterAll(() => realm.remove())

const server = () => ({ server: { issuer: realm.issuer }, scopes: [] })

async function expectToken({ requestToken }: OpenedLogin, clientId: string): Promise<void> {
  const { value } = await requestToken(undefined, forever)
  expect(decodeJwt(value)).toMatchObject({ azp: clientId, iss: realm.issuer })
}

/** The refusals that every method has in common, each of which is one request. */
async function expectRefusalsOf(client: KeycloakClient, login: OpenedLogin): Promise<void> {
  const refused = async () => {
    const made = login.requests.length
    const error = await failureOf(login.requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'RefusalError', code: 'client-auth', scope: 'account' })
    expect(login.requests.length - made).toBe(1)
    return error.message
  }
  await client.change({ enabled: false })
  expect(await refused()).toMatch(/unknown or disabled.*is enabled \(Clients/)
  await client.change({ enabled: true, serviceAccountsEnabled: false })
  expect(await refused()).toMatch(/Service account roles/)
  await client.change({ serviceAccountsEnabled: true })
  await expectToken(login, client.clientId)
}

describe.each(['client_secret_basic', 'client_secret_post'] as const)('%s', method => {
  let client: KeycloakClient
  let login: OpenedLogin
  beforeAll(async () => {
    // What RFC 6749, section 2.3.1 has encoded in a Basic header.
    client = await createKeycloakClient(realm, `secret+${method}`, { secret: 'canary :%+/&=' })
    const asked: Login = { ...server(), clientId: client.clientId, method, secret: { file: '/secret' } }
    login = openLogin(asked, { files: { '/secret': 'canary :%+/&=\n' } })
  })

  test('gets a token', () => expectToken(login, client.clientId))

  test('continues with a secret that was rotated between two tokens', async () => {
    await client.change({ secret: 'canary2' })
    login.files.set('/secret', 'canary2\r\n')
    login.requests.length = 0
    await expectToken(login, client.clientId)
    expect(login.requests.map(({ status }) => status)).toEqual([401, 200])
  })

  test('is refused with a secret that only Keycloak has rotated', async () => {
    login.files.set('/secret', 'canary3')
    const { requestToken } = openLogin(
      { ...server(), clientId: client.clientId, method, secret: { file: '/secret' } },
      { files: { '/secret': 'canary3' } },
    )
    const { message } = await failureOf(requestToken(undefined, forever))
    expect(message).toMatch(/unauthorized_client.*the secret file \/secret.*→ Credentials/)
    login.files.set('/secret', 'canary2')
  })

  test('says what to mend', () => expectRefusalsOf(client, login))
})

describe('private_key_jwt', () => {
  const rsa = createRsaKey()
  const pss = createRsaKey()
  const ec = createEcKey()
  let client: KeycloakClient
  const asked = (change: Partial<KeyLogin> = {}): KeyLogin => ({
    ...server(),
    clientId: client.clientId,
    method: 'private_key_jwt',
    keyFile: '/key',
    ...change,
  })
  const openWith = (text: string, change: Partial<KeyLogin> = {}) =>
    openLogin(asked(change), { files: { '/key': text } })

  async function setKeys(...keys: (readonly [SigningKeyPair, { kid: string; alg: string }])[]): Promise<void> {
    await client.change({ attributes: { 'use.jwks.string': 'true', 'jwks.string': await toJwks(keys) } })
  }
  const setAllKeys = () =>
    setKeys([rsa, { kid: 'rsa', alg: 'RS256' }], [pss, { kid: 'pss', alg: 'PS256' }], [ec, { kid: 'ec', alg: 'ES256' }])

  beforeAll(async () => {
    client = await createKeycloakClient(realm, 'by-key', { clientAuthenticatorType: 'client-jwt' })
    await setAllKeys()
  })

  test.each<[string, () => Promise<string> | string, Partial<KeyLogin>]>([
    ['PKCS #8', () => toPem(rsa), { keyId: 'rsa' }],
    ['PKCS #8 without kid', () => toPem(rsa), {}],
    ['PKCS #1', () => toPem(rsa, 'pkcs1'), { keyId: 'rsa' }],
    ['PKCS #8 on a curve', () => toPem(ec), { keyId: 'ec' }],
    ['SEC 1', () => toPem(ec, 'sec1'), { keyId: 'ec' }],
    ['JWK', () => toJwk(rsa.privateKey, { kid: 'rsa', alg: 'RS256' }), {}],
    ['JWK for PS256', () => toJwk(pss.privateKey, { kid: 'pss', alg: 'PS256' }), {}],
    ['JWK for ES256', () => toJwk(ec.privateKey, { kid: 'ec' }), {}],
    ['JWK whose kid is another', () => toJwk(ec.privateKey, { kid: 'mine' }), { keyId: 'ec' }],
  ])('gets a token with %s', async (_name, text, change) => {
    await expectToken(openWith(await text(), change), 'by-key')
  })

  test('gets a token with only the token endpoint', () =>
    expectToken(openWith(toPem(rsa), { server: { tokenUrl: realm.tokenUrl } }), 'by-key'))

  test.each([-3_600_000, 3_600_000])(
    'gets a token with a clock that is %d ms off, where answers have a date',
    async offMs => {
      const openWrong = (change: Partial<KeyLogin>, dated: boolean) => {
        const clock = new VirtualClock(Date.now() + offMs)
        return openLogin(asked(change), { files: { '/key': toPem(rsa) }, clock, dated })
      }
      const discovered = openWrong({}, true)
      await expectToken(discovered, 'by-key')
      expect(discovered.requests.map(({ status }) => status)).toEqual([200])
      // Nothing tells the server's time before the first refusal.
      const known = openWrong({ server: { tokenUrl: realm.tokenUrl } }, true)
      await expectToken(known, 'by-key')
      expect(known.requests.map(({ status }) => status)).toEqual([400, 200])
      const undated = openWrong({}, false)
      expect((await failureOf(undated.requestToken(undefined, forever))).message).toMatch(/compare the clocks/)
    },
  )

  test('continues with a key that was rotated in the JWKS between two tokens', async () => {
    const login = openWith(toPem(rsa), { keyId: 'rsa' })
    await expectToken(login, 'by-key')
    const next = createRsaKey()
    await setKeys([next, { kid: 'next', alg: 'RS256' }])
    login.files.set('/key', await toJwk(next.privateKey, { kid: 'next' }))
    login.requests.length = 0
    // The kid that is configured names the old key, so the rotation is seen to be incomplete.
    expect((await failureOf(login.requestToken(undefined, forever))).message).toMatch(/CLIENT_KEY_ID/)
    const following = openWith(await toJwk(rsa.privateKey, { kid: 'rsa' }))
    await failureOf(following.requestToken(undefined, forever))
    following.files.set('/key', await toJwk(next.privateKey, { kid: 'next' }))
    following.requests.length = 0
    await expectToken(following, 'by-key')
    expect(following.requests.map(({ status }) => status)).toEqual([400, 200])
    await setAllKeys()
  })

  test('continues with a key whose public half was imported again between two tokens', async () => {
    const importKey = ({ publicKey }: SigningKeyPair) =>
      client.change({
        attributes: {
          'use.jwks.string': 'false',
          'jwt.credential.public.key': publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
        },
      })
    const [first, second] = [createRsaKey(), createRsaKey()]
    await importKey(first)
    const login = openWith(toPem(first))
    await expectToken(login, 'by-key')
    await importKey(second)
    login.files.set('/key', toPem(second))
    login.requests.length = 0
    await expectToken(login, 'by-key')
    expect(login.requests.map(({ status }) => status)).toEqual([400, 200])
    await setAllKeys()
  })

  test.each<[string, () => string, Partial<KeyLogin>, RegExp]>([
    ['a key that Keycloak does not know', () => toPem(createRsaKey()), { keyId: 'rsa' }, /signature is wrong.*→ Keys/],
    ['another algorithm than the key is for', () => toPem(pss), { keyId: 'pss' }, /RS256.*Signature algorithm/],
    ['a kid that Keycloak does not know', () => toPem(rsa), { keyId: 'nobody' }, /kid "nobody".*CLIENT_KEY_ID/],
    ['another client', () => toPem(rsa), { clientId: 'nobody' }, /unknown or disabled/],
  ])('is refused with %s', async (_name, text, change, sentence) => {
    const login = openWith(text(), change)
    const error = await failureOf(login.requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'RefusalError', code: 'client-auth' })
    expect(error.message).toMatch(sentence)
    expect(login.requests).toHaveLength(1)
  })

  test('is told from a client that has a secret, both ways', async () => {
    const secret: Login = { ...asked(), method: 'client_secret_basic', secret: { value: 'canary' } }
    const wantsKey = await failureOf(openLogin(secret).requestToken(undefined, forever))
    expect(wantsKey.message).toMatch(/CLIENT_AUTH=private_key_jwt/)
    const { clientId } = realm
    const wantsSecret = await failureOf(openWith(toPem(rsa), { clientId }).requestToken(undefined, forever))
    expect(wantsSecret.message).toMatch(/CLIENT_AUTH \(private_key_jwt\).*Client Authenticator/)
  })

  test('says what to mend', () => expectRefusalsOf(client, openWith(toPem(rsa))))
})

describe('password', () => {
  const files = { '/user': 'technical\n', '/password': 'canary :+\n', '/secret': 'canary-secret' }
  let client: KeycloakClient
  let user: string
  const open = (change: Partial<PasswordLogin> = {}) =>
    openLogin(
      {
        ...server(),
        clientId: client.clientId,
        method: 'password',
        usernameFile: '/user',
        passwordFile: '/password',
        ...change,
      },
      { files },
    )

  async function changeUser(change: Record<string, unknown>): Promise<void> {
    await realm.admin.put(`/${realm.name}/users/${user}`, change)
  }
  const setPassword = (value: string) =>
    realm.admin.put(`/${realm.name}/users/${user}/reset-password`, { type: 'password', value, temporary: false })

  beforeAll(async () => {
    client = await createKeycloakClient(realm, 'by-password', { publicClient: true, directAccessGrantsEnabled: true })
    const name = { firstName: 'T', lastName: 'T', email: `${randomUUID()}@wiki.example` }
    user = await realm.admin.post(`/${realm.name}/users`, { username: 'technical', enabled: true, ...name })
    await setPassword('canary :+')
  })

  test('gets a token, and renews it without the password', async () => {
    const login = open()
    const first = await login.requestToken(undefined, forever)
    expect(decodeJwt(first.value)).toMatchObject({ azp: 'by-password', preferred_username: 'technical' })
    await login.requestToken(first, forever)
    expect(login.requests.map(({ grant }) => grant)).toEqual(['password', 'refresh_token'])
  })

  test('continues with a password that was rotated between two tokens', async () => {
    const login = open()
    await expectToken(login, 'by-password')
    await setPassword('canary2')
    login.files.set('/password', 'canary2\n')
    login.requests.length = 0
    await expectToken(login, 'by-password')
    // Keycloak up to 26.5 answers 401, from 26.7 on 400.
    expect(login.requests.map(({ status }) => status)).toEqual([expect.toBeOneOf([400, 401]), 200])
    await setPassword('canary :+')
  })

  test('says what to mend of the user', async () => {
    const refused = async () => (await failureOf(open().requestToken(undefined, forever))).message
    await setPassword('canary2')
    expect(await refused()).toMatch(/invalid_grant.*check \/user, \/password against Users → Credentials/)
    await setPassword('canary :+')
    await changeUser({ enabled: false })
    expect(await refused()).toMatch(/Users → Enabled/)
    await changeUser({ enabled: true, requiredActions: ['UPDATE_PASSWORD'] })
    expect(await refused()).toMatch(/Required user actions/)
    await changeUser({ requiredActions: [] })
    await expectToken(open(), 'by-password')
  })

  test('says what to mend of the client', async () => {
    const refused = async (login = open()) => (await failureOf(login.requestToken(undefined, forever))).message
    await client.change({ directAccessGrantsEnabled: false })
    expect(await refused()).toMatch(/Direct access grants/)
    await client.change({ directAccessGrantsEnabled: true, publicClient: false, secret: 'canary-secret' })
    expect(await refused()).toMatch(/CLIENT_SECRET_FILE/)
    await expectToken(open({ secret: { file: '/secret' } }), 'by-password')
    await client.change({ enabled: false })
    expect(await refused(open({ secret: { file: '/secret' } }))).toMatch(/unknown or disabled/)
  })
})
