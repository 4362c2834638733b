import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import { numberedPages } from '../../src/rest/numbered-pages.ts'
import { createRateBucket } from '../../src/rest/rate-bucket.ts'
import { createRestApi } from '../../src/rest/rest-api.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { type IdentityProvider, startIdentityProvider } from '../sandbox/identity/start-identity-provider.ts'
import { startPersium } from '../sandbox/persium/start-persium.ts'
import { allOf } from './open-api.ts'

const { signal } = new AbortController()
const me = z.object({ client_id: z.string(), organisation_uuid: z.uuid() })
const station = z.object({ uuid: z.uuid(), name: z.string() })
const organisationUuid = '8d2f1a3e-1234-4c1b-9999-abcdefabcdef'

let identity: IdentityProvider
beforeAll(async () => {
  identity = await startIdentityProvider({
    clients: ['acme-backend', 'unknown-backend'].map(clientId => ({ clientId, clientSecret: 'x', hasuraScope: false })),
    tokenLifetimeSeconds: 300,
  })
})
afterAll(() => identity.stop())

async function open(clientId = 'acme-backend') {
  const clock = new VirtualClock(Date.now())
  let apiAheadMs = 0
  const persium = await startPersium({
    issuer: identity,
    clients: [{ clientId: 'acme-backend', organisationUuid, label: 'Acme' }],
    now: () => Date.now() + apiAheadMs,
  })
  let fetched = 0
  const tokens = createTokenSource({
    clock,
    requestToken: async () => {
      fetched += 1
      return new Token(await identity.issueToken(clientId), clock.now() + 300_000)
    },
  })
  const api = createRestApi({ tokens, clock, bucket: createRateBucket(clock), baseUrl: persium.baseUrl })
  return {
    persium,
    clock,
    api,
    fetched: () => fetched,
    setApiAhead: (seconds: number) => {
      apiAheadMs = seconds * 1_000
    },
    [Symbol.asyncDispose]: () => persium[Symbol.asyncDispose](),
  }
}

describe('Persium', () => {
  test('says who asks, and gives the stations of that organisation by pages', async () => {
    await using opened = await open()
    expect(await opened.api.get('/me', { schema: me, signal })).toEqual({
      client_id: 'acme-backend',
      organisation_uuid: organisationUuid,
    })
    const [, , , fourth] = opened.persium.stations
    if (fourth) opened.persium.stations[3] = { ...fourth, organisation_uuid: 'another' }
    const pages = await allOf(numberedPages(opened.api, { path: '/stations', item: station, perPage: 10, signal }))
    expect(pages.map(({ items }) => items.length)).toEqual([10, 10, 9])
    const foreign = opened.api.get(`/stations/${fourth?.uuid}`, { schema: station, signal })
    expect(await failureOf(foreign)).toMatchObject({ code: 'not-found' })
    expect(opened.fetched()).toBe(1)
  })

  test.each([
    ['within the leeway of 30 seconds is taken', 325, 1],
    // The clocks differ by more than a token lives, so a fresh one is rejected as well.
    ['past the leeway is refused, a fresh one too', 335, 2],
  ])('a token that by its clock is %s', async (_name, secondsAhead, fetches) => {
    await using opened = await open()
    opened.setApiAhead(secondsAhead)
    const asked = opened.api.get('/me', { schema: me, signal })
    if (fetches === 1) await asked
    else expect(await failureOf(asked)).toMatchObject({ code: 'unauthorized' })
    expect(opened.fetched()).toBe(fetches)
  })

  test('a revoked token is replaced without a failure', async () => {
    await using opened = await open()
    await opened.api.get('/me', { schema: me, signal })
    opened.persium.revoke('acme-backend')
    await Promise.all(Array.from({ length: 8 }, () => opened.api.get('/me', { schema: me, signal })))
    expect(opened.fetched()).toBe(2)
  })

  test('a client that it does not know gets 401, a disabled one 403', async () => {
    await using unknown = await open('unknown-backend')
    expect(await failureOf(unknown.api.get('/me', { schema: me, signal }))).toMatchObject({ code: 'unauthorized' })
    await using opened = await open()
    opened.persium.setEnabled('acme-backend', false)
    expect(await failureOf(opened.api.get('/me', { schema: me, signal }))).toMatchObject({ code: 'forbidden' })
    opened.persium.setEnabled('acme-backend', true)
    await opened.api.get('/me', { schema: me, signal })
  })

  test('refuses a page that is no number', async () => {
    await using opened = await open()
    const wrong = opened.api.get('/stations', { schema: z.unknown(), query: { page: 'two' }, signal })
    expect(await failureOf(wrong)).toMatchObject({ code: 'http-400' })
  })

  test('refuses tokens that its realm did not sign', async () => {
    await using opened = await open()
    const [head, payload] = (await identity.issueToken('acme-backend')).split('.')
    for (const token of ['', 'x', `${head}.${payload}.AAAA`]) {
      const response = await fetch(`${opened.persium.baseUrl}/me`, { headers: { authorization: `Bearer ${token}` } })
      expect([response.status, Object.keys(z.record(z.string(), z.string()).parse(await response.json()))]).toEqual([
        401,
        ['error'],
      ])
    }
  })
})
