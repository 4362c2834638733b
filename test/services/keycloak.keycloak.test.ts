import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { type IdentityProvider, startIdentityProvider } from '../sandbox/identity/start-identity-provider.ts'
import { createRealm, type Realm, type ServiceAccount, WORKER_API } from './keycloak-realm.ts'
import { getSharedKeycloak } from './shared-keycloak.ts'

const HASURA_NAMESPACE = 'https://hasura.io/jwt/claims'
/** Keycloak writes roles in the order of its hash table. */
const IN_ANY_ORDER = expect.toSatisfy((roles: string[]) => [...roles].sort().join() === 'editor,viewer')

let realm: Realm

beforeAll(async () => {
  realm = await createRealm(getSharedKeycloak())
})
afterAll(() => realm.remove())

describe('a token of the worker', () => {
  test('carries the claims that Hasura needs, and says that it is a JWT and a bearer', async () => {
    const token = await fetchAccessToken(realm)
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'RS256', typ: 'JWT' })
    expect(decodeJwt(token)).toMatchObject({
      sub: realm.subject,
      typ: 'Bearer',
      azp: 'sync-worker',
      email: 'serviceaccount@local',
      email_verified: true,
      aud: ['phonemos-hasura', 'account'],
      [HASURA_NAMESPACE]: {
        'x-hasura-default-role': 'viewer',
        'x-hasura-allowed-roles': IN_ANY_ORDER,
        'x-hasura-user-id': realm.subject,
      },
    })
  })

  test('has no allowed roles at all once the last role is revoked', async () => {
    await realm.revokeRole('viewer')
    await realm.revokeRole('editor')
    const payload = decodeJwt(await fetchAccessToken(realm))
    expect(payload[HASURA_NAMESPACE]).toEqual({
      'x-hasura-default-role': 'viewer',
      'x-hasura-user-id': realm.subject,
    })
    expect(payload.aud).toBe('account')
    await realm.grantRole('viewer')
    await realm.grantRole('editor')
  })

  test('shows the roles but not the namespace without the hasura scope', async () => {
    await realm.setHasuraScope(false)
    const payload = decodeJwt(await fetchAccessToken(realm))
    expect(payload).not.toHaveProperty([HASURA_NAMESPACE])
    expect(payload.resource_access).toMatchObject({ 'phonemos-hasura': { roles: IN_ANY_ORDER } })
    await realm.setHasuraScope(true)
  })

  test('lives as long as the realm says', async () => {
    await realm.setAccessTokenLifespan(90)
    const { body } = await requestToken(realm.tokenUrl, credentialsOf(realm))
    expect(body).toMatchObject({ expires_in: about(90) })
    await realm.setAccessTokenLifespan(300)
  })

  test('no longer verifies once the keys were rotated', async () => {
    const token = await fetchAccessToken(realm)
    await jwtVerify(token, createRemoteJWKSet(new URL(realm.jwksUrl)), { issuer: realm.issuer })
    await realm.rotateKeys()
    const keys = createRemoteJWKSet(new URL(realm.jwksUrl))
    await expect(jwtVerify(token, keys)).rejects.toThrow('no applicable key')
    await jwtVerify(await fetchAccessToken(realm), keys, { issuer: realm.issuer })
  })
})

describe('a caller of the worker', () => {
  test('gets the audience only through a role', async () => {
    const with_ = decodeJwt(await fetchAccessToken(await realm.createCaller()))
    expect(with_.aud).toContain(WORKER_API.audience)
    expect(with_.resource_access).toMatchObject({ [WORKER_API.audience]: { roles: [WORKER_API.role] } })
    const without = await realm.createCaller({ clientId: 'stranger', roles: [] })
    expect(decodeJwt(await fetchAccessToken(without)).aud).toBe('account')
  })
})

describe('the sandbox answers as Keycloak does', () => {
  let identity: IdentityProvider
  let secret: string

  beforeAll(async () => {
    secret = await realm.regenerateSecret()
    identity = await startIdentityProvider({ clients: [] })
  })
  afterAll(() => identity.stop())
  beforeEach(() => {
    identity.addClient({
      clientId: realm.clientId,
      clientSecret: secret,
      subject: realm.subject,
      roles: ['viewer', 'editor'],
      email: 'serviceaccount@local',
    })
  })

  const worker = (change: Record<string, string> = {}) => ({
    client_id: realm.clientId,
    client_secret: secret,
    ...change,
  })

  test('to the secret that was replaced, to no secret, to nobody', async () => {
    await expectSameRefusal(worker({ client_secret: realm.clientSecret }), 401, 'unauthorized_client')
    await expectSameRefusal({ client_id: realm.clientId }, 401, 'unauthorized_client')
    await expectSameRefusal({ client_id: 'nobody', client_secret: secret }, 401, 'invalid_client')
    await expectSameRefusal({}, 401, 'invalid_client')
  })

  test('to a disabled client and to one without service account', async () => {
    await realm.setEnabled(false)
    identity.setEnabled(realm.clientId, false)
    await expectSameRefusal(worker(), 401, 'invalid_client')
    await expectSameRefusal(worker({ client_secret: 'wrong' }), 401, 'invalid_client')
    await realm.setEnabled(true)
    const person = await realm.createCaller({ clientId: 'person' })
    await realm.removeServiceAccount(person)
    identity.addClient({ ...person, serviceAccount: false })
    await expectSameRefusal(credentialsOf(person), 401, 'unauthorized_client')
  })

  test('to a scope that is not granted, to an unknown grant type, to a bad refresh token', async () => {
    await expectSameRefusal(worker({ scope: 'hasura nonsense' }), 400, 'invalid_scope')
    await expectSameRefusal(worker({ grant_type: 'nonsense' }), 400, 'unsupported_grant_type')
    await expectSameRefusal(worker({ grant_type: 'refresh_token', refresh_token: 'x' }), 400, 'invalid_grant')
  })

  test.each([true, false])('with a refresh token and without: %s', async wanted => {
    await realm.setRefreshTokens(wanted)
    identity.addClient({ clientId: realm.clientId, clientSecret: secret, refreshTokens: wanted })
    const [real, sandbox] = await Promise.all([
      requestToken(realm.tokenUrl, worker()),
      requestToken(identity.tokenUrl, worker()),
    ])
    const shape = { refresh_expires_in: wanted ? 1800 : 0, expires_in: about(300), token_type: 'Bearer' }
    for (const { body } of [real, sandbox]) {
      expect(body).toMatchObject(shape)
      const { refresh_token } = tokenSchema.parse(body)
      expect(refresh_token !== undefined).toBe(wanted)
    }
    for (const [tokenUrl, { body }] of [[realm.tokenUrl, real] as const, [identity.tokenUrl, sandbox] as const]) {
      const { refresh_token } = tokenSchema.parse(body)
      if (refresh_token === undefined) continue
      const refreshed = await requestToken(tokenUrl, worker({ grant_type: 'refresh_token', refresh_token }))
      expect(refreshed).toMatchObject({ status: 200, body: shape })
    }
  })

  test('with claims of the same names', async () => {
    // Where a request came from is of no use to a test.
    const { clientHost, clientAddress, ...real } = decodeJwt(await fetchAccessToken({ ...realm, clientSecret: secret }))
    const sandbox = decodeJwt(await identity.issueToken(realm.clientId))
    expect(Object.keys(sandbox).sort()).toEqual(Object.keys(real).sort())
    for (const claim of ['azp', 'typ', 'sub', 'email', 'email_verified', 'preferred_username', 'client_id', 'acr']) {
      expect(sandbox[claim]).toEqual(real[claim])
    }
    for (const payload of [real, sandbox]) {
      expect(payload.aud).toEqual(['phonemos-hasura', 'account'])
      expect(payload.resource_access).toMatchObject({ 'phonemos-hasura': { roles: IN_ANY_ORDER } })
      expect(payload[HASURA_NAMESPACE]).toEqual({
        'x-hasura-default-role': 'viewer',
        'x-hasura-allowed-roles': IN_ANY_ORDER,
        'x-hasura-user-id': realm.subject,
      })
      expect(String(payload.scope).split(' ').sort()).toEqual(['email', 'hasura', 'profile'])
    }
  })

  async function expectSameRefusal(form: Record<string, string>, status: number, error: string): Promise<void> {
    const [real, sandbox] = await Promise.all([
      requestToken(realm.tokenUrl, form),
      requestToken(identity.tokenUrl, form),
    ])
    expect(real).toMatchObject({ status, body: { error } })
    expect(sandbox).toEqual(real)
  }
})

/** Keycloak counts from the instant of its answer, which may be in the next second. */
function about(seconds: number): unknown {
  return expect.closeTo(seconds, -1)
}

const tokenSchema = z.object({ access_token: z.string(), refresh_token: z.string().optional() })

function credentialsOf(account: Pick<ServiceAccount, 'clientId' | 'clientSecret'>): Record<string, string> {
  return { client_id: account.clientId, client_secret: account.clientSecret }
}

async function fetchAccessToken(account: Pick<ServiceAccount, 'clientId' | 'clientSecret'>): Promise<string> {
  const { body } = await requestToken(realm.tokenUrl, credentialsOf(account))
  return tokenSchema.parse(body).access_token
}

async function requestToken(tokenUrl: string, form: Record<string, string>) {
  const response = await fetch(tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', ...form }),
  })
  const body: unknown = await response.json()
  return { status: response.status, body }
}
