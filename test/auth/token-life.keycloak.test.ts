import { setTimeout as delay } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { SecretLogin } from '../../src/account.ts'
import { parseClaims } from '../../src/auth/claims.ts'
import { readHasuraClaims } from '../../src/auth/hasura-claims.ts'
import { createTokenSource, renewAt } from '../../src/auth/token-source.ts'
import { systemClock } from '../../src/time/clock.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { createRealm, type Realm } from '../services/keycloak-realm.ts'
import { getSharedKeycloak } from '../services/shared-keycloak.ts'
import { openLogin } from './open-login.ts'

const forever = new AbortController().signal

let realm: Realm
beforeAll(async () => {
  realm = await createRealm(getSharedKeycloak())
})
afterAll(() => realm.remove())

const asked = (change: Partial<SecretLogin> = {}): SecretLogin => ({
  server: { issuer: realm.issuer },
  clientId: realm.clientId,
  method: 'client_secret_basic',
  secret: { value: realm.clientSecret },
  scopes: [],
  ...change,
})

describe('a token of ten seconds', () => {
  test('is fetched once in its time, and once more after it, however many ask at that instant', async () => {
    await realm.setAccessTokenLifespan(10)
    const clock = new VirtualClock(Date.now())
    const { requestToken, requests } = openLogin(asked(), { clock })
    const source = createTokenSource({ requestToken, clock })
    const askedAt = clock.now()
    const first = await source.get()
    // Of its ten seconds, Keycloak's answer leaves out those that it took to make it.
    const renewedAt = renewAt(askedAt, first.expiresAt)
    for (; clock.now() < renewedAt; clock.advance(500)) expect(await source.get()).toBe(first)
    const tokens = await Promise.all(Array.from({ length: 1_000 }, () => source.get()))
    expect(new Set(tokens).size).toBe(1)
    expect(tokens[0]).not.toBe(first)
    expect(requests).toHaveLength(2)
  })

  test('is taken as valid for no longer than Keycloak does', async () => {
    await realm.setAccessTokenLifespan(2)
    const { requestToken } = openLogin(asked(), { clock: systemClock })
    const source = createTokenSource({ requestToken, clock: systemClock })
    const first = await source.get()
    await delay(1_900)
    const askedAt = Date.now()
    const second = await source.get()
    expect(second).not.toBe(first)
    expect(decodeJwt(second.value).exp).toBeGreaterThan(askedAt / 1_000)
    await realm.setAccessTokenLifespan(300)
  })
})

describe('a refresh token', () => {
  test('is used for the next token, and a new login when it was revoked', async () => {
    await realm.setRefreshTokens(true)
    const { requestToken, requests } = openLogin(asked())
    const first = await requestToken(undefined, forever)
    const second = await requestToken(first, forever)
    await realm.admin.post(`/${realm.name}/users/${realm.subject}/logout`, {})
    const third = await requestToken(second, forever)
    expect(new Set([first, second, third].map(({ value }) => value)).size).toBe(3)
    expect(requests).toEqual([
      { grant: 'client_credentials', status: 200 },
      { grant: 'refresh_token', status: 200 },
      { grant: 'refresh_token', status: 400 },
      { grant: 'client_credentials', status: 200 },
    ])
  })

  test('of a client that is refused is tried once, and every later attempt is one request', async () => {
    const { requestToken, requests } = openLogin(asked())
    const first = await requestToken(undefined, forever)
    await realm.setEnabled(false)
    requests.length = 0
    await failureOf(requestToken(first, forever))
    expect(requests.map(({ grant }) => grant)).toEqual(['refresh_token', 'client_credentials'])
    requests.length = 0
    for (let probe = 0; probe < 3; probe += 1) await failureOf(requestToken(first, forever))
    expect(requests.map(({ grant }) => grant)).toEqual(Array.from({ length: 3 }, () => 'client_credentials'))
    await realm.setEnabled(true)
    await realm.setRefreshTokens(false)
  })
})

describe('scopes', () => {
  test('that are granted pass, and only these', async () => {
    await openLogin(asked({ scopes: ['openid', 'hasura', 'email'] })).requestToken(undefined, forever)
  })

  test('that do not exist, or are not the client’s, are named', async () => {
    const unknown = openLogin(asked({ scopes: ['openid', 'nonsense'] }))
    const error = await failureOf(unknown.requestToken(undefined, forever))
    expect(error).toMatchObject({ name: 'RefusalError', code: 'scope', scope: 'account' })
    expect(error.message).toMatch(/invalid_scope.*"openid nonsense"|"openid nonsense".*invalid_scope/)
    expect(unknown.requests).toHaveLength(1)
  })

  test('that are granted but left out of the answer are named, with the switch that shows them', async () => {
    const { admin, name, id } = realm
    const hidden = await admin.post(`/${name}/client-scopes`, {
      name: 'hidden',
      protocol: 'openid-connect',
      attributes: { 'include.in.token.scope': 'false' },
    })
    await admin.put(`/${name}/clients/${id}/optional-client-scopes/${hidden}`)
    const error = await failureOf(openLogin(asked({ scopes: ['hasura', 'hidden'] })).requestToken(undefined, forever))
    expect(error.code).toBe('scope')
    expect(error.message).toMatch(/did not grant .* the scope "hidden".*Include in token scope/)
  })

  test("of Keycloak's organizations need a member, and are granted to one", async () => {
    const { admin, name, subject } = realm
    await admin.put(`/${name}`, { organizationsEnabled: true })
    const domains = [{ name: 'acme.example' }]
    const organization = await admin.post(`/${name}/organizations`, { name: 'acme', alias: 'acme', domains })
    for (const scope of ['organization:acme', 'organization:*']) {
      const error = await failureOf(openLogin(asked({ scopes: [scope] })).requestToken(undefined, forever))
      expect(error).toMatchObject({ code: 'scope', remedy: expect.stringMatching(/a member of the organization/) })
    }
    await admin.post(`/${name}/organizations/${organization}/members`, subject)
    for (const scope of ['organization:acme', 'organization:*']) {
      await openLogin(asked({ scopes: [scope] })).requestToken(undefined, forever)
    }
  })
})

test('claims are read through a map as well', async () => {
  const { value } = await openLogin(asked()).requestToken(undefined, forever)
  const claims = readHasuraClaims(parseClaims(value), {
    map: {
      'X-Hasura-Allowed-Roles': { path: "$.resource_access['phonemos-hasura'].roles" },
      'x-hasura-default-role': 'viewer',
      'x-hasura-user-id': { path: '$.sub' },
      'x-hasura-email': { path: '$.email', default: 'nobody' },
      'x-hasura-tenant': { path: '$.tenant', default: 'wiki' },
    },
  })
  expect([...claims.allowedRoles].sort()).toEqual(['editor', 'viewer'])
  expect(claims).toMatchObject({
    defaultRole: 'viewer',
    userId: realm.subject,
    values: { 'x-hasura-email': 'serviceaccount@local', 'x-hasura-tenant': 'wiki' },
  })
})
