import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { HASURA_NAMESPACE } from './access-token-payload.ts'
import { type IdentityProvider, startIdentityProvider } from './start-identity-provider.ts'

const SECRET = 'a secret'
const tokenSchema = z.object({ access_token: z.string(), refresh_token: z.string().optional() })

let identity: IdentityProvider

beforeAll(async () => {
  identity = await startIdentityProvider({ clients: [] })
})
afterAll(() => identity.stop())
beforeEach(() => {
  identity.clearFaults()
  identity.tokenRequests.length = 0
  identity.addClient({ clientId: 'worker', clientSecret: SECRET, roles: ['viewer', 'editor'], email: 'a@local' })
})

describe('an access token', () => {
  test('is a JWT of the published key, in the shape of Keycloak', async () => {
    const token = await fetchAccessToken('worker')
    const keys = createRemoteJWKSet(new URL(identity.jwksUrl))
    const { payload } = await jwtVerify(token, keys, {
      issuer: identity.issuer,
      audience: 'phonemos-hasura',
      typ: 'JWT',
    })
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'RS256', typ: 'JWT' })
    expect(payload).toMatchObject({
      sub: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/u),
      aud: ['phonemos-hasura', 'account'],
      azp: 'worker',
      typ: 'Bearer',
      email: 'a@local',
      email_verified: true,
      preferred_username: 'service-account-worker',
      scope: 'hasura email profile',
      resource_access: { 'phonemos-hasura': { roles: ['viewer', 'editor'] } },
      [HASURA_NAMESPACE]: {
        'x-hasura-default-role': 'viewer',
        'x-hasura-allowed-roles': ['viewer', 'editor'],
        'x-hasura-user-id': payload.sub,
      },
    })
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(300)
  })

  test('has neither allowed roles nor the application as audience while no role is assigned', async () => {
    identity.setRoles('worker', [])
    const payload = decodeJwt(await identity.issueToken('worker'))
    expect(payload[HASURA_NAMESPACE]).toEqual({ 'x-hasura-user-id': payload.sub })
    expect(payload.aud).toBe('account')
    expect(payload.resource_access).not.toHaveProperty('phonemos-hasura')
  })

  test('shows the roles but no Hasura claims without the hasura scope', async () => {
    identity.addClient({ clientId: 'worker', clientSecret: SECRET, roles: ['viewer'], hasuraScope: false })
    const payload = decodeJwt(await identity.issueToken('worker'))
    expect(payload).not.toHaveProperty([HASURA_NAMESPACE])
    expect(payload.resource_access).toMatchObject({ 'phonemos-hasura': { roles: ['viewer'] } })
  })

  test('keeps a default role that was given, and otherwise follows the first role', async () => {
    identity.addClient({ clientId: 'fixed', clientSecret: SECRET, roles: ['viewer'], defaultRole: 'viewer' })
    identity.setRoles('fixed', ['editor'])
    identity.setRoles('worker', ['editor'])
    const claims = async (id: string) => decodeJwt(await identity.issueToken(id))[HASURA_NAMESPACE]
    expect(await claims('fixed')).toMatchObject({ 'x-hasura-default-role': 'viewer' })
    expect(await claims('worker')).toMatchObject({ 'x-hasura-default-role': 'editor' })
  })

  test('is what a change of claims makes of it', async () => {
    identity.setClaims('worker', payload => ({
      ...payload,
      [HASURA_NAMESPACE]: JSON.stringify(payload[HASURA_NAMESPACE]),
    }))
    expect(decodeJwt(await fetchAccessToken('worker'))[HASURA_NAMESPACE]).toContain('"x-hasura-default-role":"viewer"')
  })

  test('is dated by the offset clock and lives as long as told', async () => {
    identity.setClockOffset(-3600)
    identity.setTokenLifetime(5)
    const before = Date.now()
    const response = await requestToken({ client_id: 'worker', client_secret: SECRET })
    identity.setClockOffset(0)
    identity.setTokenLifetime(300)
    expect(response.body).toMatchObject({ expires_in: 5 })
    const { iat = 0, exp = 0 } = decodeJwt(tokenSchema.parse(response.body).access_token)
    expect(exp - iat).toBe(5)
    expect(iat + 3600).toBeGreaterThanOrEqual(Math.floor(before / 1000))
    expect(iat + 3600).toBeLessThanOrEqual(Math.ceil(Date.now() / 1000))
  })

  test('is invalid once the keys were rotated and fetched again', async () => {
    const token = await fetchAccessToken('worker')
    await identity.rotateKeys()
    const keys = createRemoteJWKSet(new URL(identity.jwksUrl))
    await expect(jwtVerify(token, keys)).rejects.toThrow(errors.JWKSNoMatchingKey)
    await jwtVerify(await fetchAccessToken('worker'), keys)
  })
})

describe('the token endpoint', () => {
  test('takes the secret in the header and in the form', async () => {
    const basic = `Basic ${Buffer.from(`worker:${encodeURIComponent(SECRET)}`).toString('base64')}`
    expect(await requestToken({}, { authorization: basic })).toMatchObject({ status: 200 })
    expect(await requestToken({ client_id: 'worker', client_secret: SECRET })).toMatchObject({ status: 200 })
    expect(identity.tokenRequests).toMatchObject([
      { clientId: 'worker', grantType: 'client_credentials', status: 200 },
      { clientId: 'worker', grantType: 'client_credentials', status: 200 },
    ])
  })

  const badCredentials = 'Invalid client or Invalid client credentials'
  test.each([
    ['a wrong secret', { client_id: 'worker', client_secret: 'x' }, 401, 'unauthorized_client', badCredentials],
    ['no secret', { client_id: 'worker' }, 401, 'unauthorized_client', badCredentials],
    ['an unknown client', { client_id: 'nobody', client_secret: SECRET }, 401, 'invalid_client', badCredentials],
    ['no client', {}, 401, 'invalid_client', badCredentials],
    ['a disabled client', { client_id: 'off', client_secret: SECRET }, 401, 'invalid_client', badCredentials],
    [
      'a client without service account',
      { client_id: 'person', client_secret: SECRET },
      401,
      'unauthorized_client',
      'Client not enabled to retrieve service account',
    ],
    [
      'a scope that is not granted',
      { client_id: 'person', client_secret: SECRET, scope: 'email nonsense', grant_type: 'refresh_token' },
      400,
      'invalid_scope',
      'Invalid scopes: email nonsense',
    ],
    [
      'an unknown grant type',
      { client_id: 'worker', client_secret: SECRET, grant_type: 'x' },
      400,
      'unsupported_grant_type',
      'Unsupported grant_type',
    ],
  ])("refuses %s in Keycloak's words", async (_case, form, status, error, description) => {
    identity.addClient({ clientId: 'off', clientSecret: SECRET, enabled: false })
    identity.addClient({ clientId: 'person', clientSecret: SECRET, serviceAccount: false })
    const response = await requestToken(form)
    expect(response).toMatchObject({ status, body: { error, error_description: description } })
  })

  test('refuses the hasura scope where the client lacks it', async () => {
    identity.addClient({ clientId: 'worker', clientSecret: SECRET, hasuraScope: false })
    const response = await requestToken({ client_id: 'worker', client_secret: SECRET, scope: 'hasura' })
    expect(response).toMatchObject({ status: 400, body: { error: 'invalid_scope' } })
  })

  test('refuses the old secret and takes the new one after a rotation', async () => {
    identity.rotateSecret('worker', 'another')
    expect(await requestToken({ client_id: 'worker', client_secret: SECRET })).toMatchObject({ status: 401 })
    expect(await requestToken({ client_id: 'worker', client_secret: 'another' })).toMatchObject({ status: 200 })
  })

  test('lets a client in again that was enabled again', async () => {
    const credentials = { client_id: 'worker', client_secret: SECRET }
    identity.setEnabled('worker', false)
    expect(await requestToken(credentials)).toMatchObject({ status: 401 })
    identity.setEnabled('worker', true)
    expect(await requestToken(credentials)).toMatchObject({ status: 200 })
  })

  test('gives a refresh token only to a client that is set up for it', async () => {
    const credentials = { client_id: 'worker', client_secret: SECRET }
    const without = await requestToken(credentials)
    expect(without.body).toMatchObject({ refresh_expires_in: 0 })
    expect(without.body).not.toHaveProperty('refresh_token')

    identity.addClient({ clientId: 'worker', clientSecret: SECRET, roles: ['viewer'], refreshTokens: true })
    const first = await requestToken(credentials)
    expect(first.body).toMatchObject({ refresh_expires_in: 1800 })
    const { refresh_token = '' } = tokenSchema.parse(first.body)
    const refreshed = await requestToken({ ...credentials, grant_type: 'refresh_token', refresh_token })
    expect(decodeJwt(tokenSchema.parse(refreshed.body).access_token)).toMatchObject({ azp: 'worker' })

    identity.addClient({ clientId: 'other', clientSecret: SECRET })
    for (const change of [{ refresh_token: 'made up' }, { refresh_token, client_id: 'other' }]) {
      const refused = await requestToken({ ...credentials, grant_type: 'refresh_token', ...change })
      expect(refused).toMatchObject({
        status: 400,
        body: { error: 'invalid_grant', error_description: 'Invalid refresh token' },
      })
    }
  })
})

describe('discovery', () => {
  test('names the endpoints under the issuer', async () => {
    const response = await fetch(`${identity.issuer}/.well-known/openid-configuration`)
    expect(await response.json()).toMatchObject({
      issuer: identity.issuer,
      token_endpoint: identity.tokenUrl,
      jwks_uri: identity.jwksUrl,
    })
  })
})

describe('a fault', () => {
  const credentials = { client_id: 'worker', client_secret: SECRET }

  test('lasts for its number of requests, is taken back, and is recorded', async () => {
    identity.fault('token', { kind: 'status', status: 429, headers: { 'retry-after': '7' }, body: 'slow' }, 1)
    const refused = await requestToken(credentials)
    expect(refused).toMatchObject({ status: 429, text: 'slow' })
    expect(refused.headers.get('retry-after')).toBe('7')
    expect(await requestToken(credentials)).toMatchObject({ status: 200 })

    const takeBack = identity.fault('token', { kind: 'status', status: 503 })
    expect(await requestToken(credentials)).toMatchObject({ status: 503 })
    takeBack()
    expect(await requestToken(credentials)).toMatchObject({ status: 200 })
    expect(identity.tokenRequests.map(request => [request.clientId, request.status])).toEqual(
      [429, 200, 503, 200].map(status => ['worker', status]),
    )
  })

  test('answers with a page, a redirect, a rewritten or a cut-off body', async () => {
    identity.fault('token', { kind: 'html' }, 1)
    expect((await requestToken(credentials)).text).toContain('<!doctype html>')
    identity.fault('token', { kind: 'redirect', to: 'http://127.0.0.1:1/' }, 1)
    expect((await requestToken(credentials)).headers.get('location')).toBe('http://127.0.0.1:1/')
    identity.fault('token', { kind: 'rewrite', rewrite: body => ({ ...body, expires_in: 'soon' }) }, 1)
    expect((await requestToken(credentials)).body).toMatchObject({ expires_in: 'soon', token_type: 'Bearer' })
    identity.fault('token', { kind: 'cut-off' }, 1)
    await expect(requestToken(credentials)).rejects.toThrow('terminated')
    expect(identity.tokenRequests.at(-1)).toMatchObject({ clientId: 'worker', status: 0 })
  })

  test('hangs until the client leaves', async () => {
    identity.fault('token', { kind: 'hang' }, 1)
    await expect(requestToken(credentials, {}, AbortSignal.timeout(50))).rejects.toThrow('timeout')
  })

  test('is late, and then answers', async () => {
    identity.fault('token', { kind: 'latency', ms: 60 }, 1)
    const startedAt = performance.now()
    expect(await requestToken(credentials)).toMatchObject({ status: 200 })
    expect(performance.now() - startedAt).toBeGreaterThan(55)
  })

  test('concerns the endpoint it was planned for', async () => {
    identity.fault('jwks', { kind: 'status', status: 500 })
    identity.fault('discovery', { kind: 'rewrite', rewrite: body => ({ ...body, issuer: 'https://elsewhere' }) })
    expect((await fetch(identity.jwksUrl)).status).toBe(500)
    const discovery = await fetch(`${identity.issuer}/.well-known/openid-configuration`)
    expect(await discovery.json()).toMatchObject({ issuer: 'https://elsewhere' })
    expect(await requestToken(credentials)).toMatchObject({ status: 200 })
  })
})

test('a stopped provider refuses connections and comes back on the same port', async () => {
  await identity.stop()
  await expect(fetch(identity.jwksUrl)).rejects.toThrow('fetch failed')
  await identity.start()
  expect((await fetch(identity.jwksUrl)).status).toBe(200)
})

async function requestToken(form: Record<string, string>, headers: Record<string, string> = {}, signal?: AbortSignal) {
  const response = await fetch(identity.tokenUrl, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'client_credentials', ...form }),
    headers,
    redirect: 'manual',
    ...(signal && { signal }),
  })
  const text = await response.text()
  return { status: response.status, headers: response.headers, text, body: parseJson(text) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

async function fetchAccessToken(clientId: string): Promise<string> {
  const response = await requestToken({ client_id: clientId, client_secret: SECRET })
  return tokenSchema.parse(response.body).access_token
}
