import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import { UnknownOutcomeError } from '../../src/errors.ts'
import { cursorPages } from '../../src/rest/cursor-pages.ts'
import { createRateBucket } from '../../src/rest/rate-bucket.ts'
import { createRestApi } from '../../src/rest/rest-api.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { startEunifyer } from '../sandbox/eunifyer/start-eunifyer.ts'
import { type IdentityProvider, startIdentityProvider } from '../sandbox/identity/start-identity-provider.ts'
import { allOf } from './open-api.ts'

const { signal } = new AbortController()
const organization = z.object({ id: z.string(), name: z.string(), status: z.enum(['active', 'suspended']) })
const contact = z.object({ id: z.string(), email: z.string() })
const input = { name: 'New', slug: 'new', billing_email: 'billing@example.com' }

let identity: IdentityProvider
beforeAll(async () => {
  identity = await startIdentityProvider({
    clients: [{ clientId: 'eunifyer-sync', clientSecret: 'canary-secret', hasuraScope: false }],
    tokenLifetimeSeconds: 900,
  })
})
afterAll(() => identity.stop())

/** The sandbox and an account of it with these scopes, both on one clock that pauses move on. */
async function open(scope: string, options: { requestsPerMinute?: number; organizations?: number } = {}) {
  const clock = new VirtualClock(Date.now())
  identity.setClaims('eunifyer-sync', payload => ({ ...payload, scope }))
  const eunifyer = await startEunifyer({ issuer: identity, now: () => clock.now(), ...options })
  const tokens = createTokenSource({
    clock,
    requestToken: async () => new Token(await identity.issueToken('eunifyer-sync'), clock.now() + 900_000),
  })
  const bucket = createRateBucket(clock)
  const access = { tokens, clock, bucket, baseUrl: eunifyer.baseUrl }
  return {
    eunifyer,
    clock,
    api: createRestApi(access),
    secondApi: createRestApi(access),
    [Symbol.asyncDispose]: () => eunifyer[Symbol.asyncDispose](),
  }
}

describe('EUnifyer', () => {
  test('gives all organizations by pages, each once', async () => {
    await using opened = await open('partner:orgs:read')
    const request = { path: '/partner/orgs', item: organization, limit: 20, signal }
    const pages = await allOf(cursorPages(opened.api, request))
    expect(pages.map(({ items }) => items.length)).toEqual([20, 20, 5])
    const ids = pages.flatMap(({ items }) => items.map(({ id }) => id))
    expect(ids).toEqual(opened.eunifyer.organizations.map(({ id }) => id))
    const [, ...behind] = await allOf(cursorPages(opened.api, request))
    expect(await allOf(cursorPages(opened.api, { ...request, from: pages[0]?.next }))).toEqual(behind)
  })

  test('refuses a cursor of another list, a limit out of range and an unknown parameter', async () => {
    await using opened = await open('partner:orgs:* contacts:*')
    const [page] = await allOf(cursorPages(opened.api, { path: '/contacts', item: contact, limit: 1, signal }))
    for (const query of [{ cursor: page?.next }, { limit: 101 }, { order: 'name' }]) {
      const wrong = opened.api.get('/partner/orgs', { schema: z.unknown(), query, signal })
      expect(await failureOf(wrong)).toMatchObject({ code: 'http-400' })
    }
  })

  test('checks the scope of each route', async () => {
    await using opened = await open('partner:orgs:read')
    for (const ask of [
      () => opened.api.get('/contacts', { schema: z.unknown(), signal }),
      () => opened.api.post('/partner/orgs', { body: input, signal }),
    ]) {
      expect(await failureOf(ask())).toMatchObject({ code: 'forbidden' })
    }
  })

  test('is never asked more than its limit allows, whichever API of the account asks for what', async () => {
    await using opened = await open('partner:orgs:read contacts:*', { requestsPerMinute: 20, organizations: 60 })
    await Promise.all([
      allOf(cursorPages(opened.api, { path: '/partner/orgs', item: organization, limit: 2, signal })),
      allOf(cursorPages(opened.secondApi, { path: '/contacts', item: contact, limit: 2, signal })),
    ])
    // 30 pages and 15: none was refused, or it would have been sent again.
    expect(opened.eunifyer.requests).toHaveLength(45)
    expect(opened.clock.pausesMs.length).toBeGreaterThan(0)
  })

  test('answers 429 with a pause, which is waited for', async () => {
    await using opened = await open('contacts:read', { requestsPerMinute: 1 })
    const other = await fetch(`${opened.eunifyer.baseUrl}/contacts`, {
      headers: { authorization: `Bearer ${await identity.issueToken('eunifyer-sync')}` },
    })
    expect(other.headers.get('x-ratelimit-remaining')).toBe('0')
    await opened.api.get('/contacts', { schema: z.unknown(), signal })
    expect(opened.eunifyer.requests).toHaveLength(3)
    expect(opened.clock.pausesMs).toHaveLength(1)
    expect(opened.clock.pausesMs[0]).toBeGreaterThan(50_000)
  })

  test('makes one organization of a request that had to be repeated under its key', async () => {
    await using opened = await open('partner:orgs:write')
    opened.eunifyer.fault({ kind: 'reset-after' }, 1)
    const send = { body: input, schema: organization, idempotencyKey: 'org-new-1', signal }
    const made = await opened.api.post('/partner/orgs', send)
    expect(opened.eunifyer.organizations.filter(({ slug }) => slug === 'new').map(({ id }) => id)).toEqual([made.id])
    const replayed = await opened.api.fetch('/partner/orgs', {
      method: 'POST',
      body: JSON.stringify(input),
      idempotencyKey: 'org-new-1',
      signal,
    })
    expect(replayed.headers.get('x-idempotency-replayed')).toBe('true')
    const other = opened.api.post('/partner/orgs', { ...send, body: { ...input, name: 'Other' } })
    expect(await failureOf(other)).toMatchObject({ code: 'http-409' })
  })

  test('makes one contact of a request without key, whose outcome is then unknown', async () => {
    await using opened = await open('contacts:write')
    opened.eunifyer.fault({ kind: 'cut-off' }, 1)
    const body = { display_name: 'New', email: 'new@example.com' }
    const post = opened.api.post('/contacts', { body, schema: contact, signal })
    expect(await failureOf(post)).toBeInstanceOf(UnknownOutcomeError)
    expect(opened.eunifyer.contacts.filter(({ email }) => email === body.email)).toHaveLength(1)
  })

  test('changes an organization, and does not know others', async () => {
    await using opened = await open('partner:orgs:read partner:orgs:write')
    const [first] = opened.eunifyer.organizations
    const path = `/partner/orgs/${first?.id}`
    await opened.api.patch(path, { body: { name: 'Renamed' }, signal })
    expect(await opened.api.get(path, { schema: organization, signal })).toMatchObject({ name: 'Renamed' })
    const none = opened.api.get('/partner/orgs/none', { schema: organization, signal })
    expect(await failureOf(none)).toMatchObject({ code: 'not-found' })
  })

  test('that responds with a page, slowly or never is retried', async () => {
    await using opened = await open('contacts:read')
    opened.eunifyer.fault({ kind: 'html' }, 1)
    opened.eunifyer.fault({ kind: 'status', status: 500 }, 1)
    opened.eunifyer.fault({ kind: 'reset' }, 1)
    opened.eunifyer.fault({ kind: 'latency', ms: 20 }, 1)
    await opened.api.get('/contacts', { schema: z.unknown(), signal })
    expect(opened.clock.pausesMs).toEqual([1_000, 2_000, 4_000])
  })
})
