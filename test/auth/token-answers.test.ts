import { UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import type { SecretLogin } from '../../src/account.ts'
import { failureOf } from '../fixtures/failure-of.ts'
import { openLogin } from './open-login.ts'

const forever = new AbortController().signal
const value = new UnsecuredJWT({ iat: 0, exp: 300 }).encode()
const granted = { access_token: value, token_type: 'Bearer', expires_in: 300 }

function requestWith(answer: () => Response, change: Partial<SecretLogin> = {}) {
  const login: SecretLogin = {
    server: { tokenUrl: 'https://id.example/token' },
    clientId: 'sync',
    method: 'client_secret_basic',
    secret: { value: 'canary-secret' },
    scopes: [],
    ...change,
  }
  return openLogin(login, { fetch: async () => answer() }).requestToken(undefined, forever)
}

describe('a token is taken', () => {
  test.each<[string, object]>([
    ['a refresh token that is null', { refresh_token: null }],
    ['a refresh token that is empty', { refresh_token: '' }],
    ['a refresh token that is no text', { refresh_token: 7 }],
    ['a scope that is null', { scope: null }],
    ['a scope that is empty', { scope: '' }],
    ['a type in capital letters', { token_type: 'BEARER' }],
    ['a type that is null', { token_type: null }],
    ['no type', { token_type: undefined }],
    ['an ID token that is null', { id_token: null }],
    ['an error that is null', { error: null, error_description: null }],
  ])('with %s', async (_with, change) => {
    const token = await requestWith(() => Response.json({ ...granted, ...change }))
    expect([token.value, token.refreshToken]).toEqual([value, undefined])
  })

  test('with its scopes as a list, and without one it tells which', async () => {
    const answer = () => Response.json({ ...granted, scope: ['a', 'b'] })
    expect((await requestWith(answer, { scopes: ['b', 'a'] })).value).toBe(value)
    expect(await failureOf(requestWith(answer, { scopes: ['c'] }))).toMatchObject({ code: 'scope' })
  })

  test('that was answered with HTTP 201', async () => {
    expect((await requestWith(() => Response.json(granted, { status: 201 }))).value).toBe(value)
  })
})

describe('a refusal', () => {
  test.each<[string, object, number, string, RegExp]>([
    [
      'with HTTP 200',
      { error: 'invalid_client', error_description: 'bad' },
      200,
      'client-auth',
      /\(invalid_client: bad\)/,
    ],
    [
      'with HTTP 200 for a while',
      { error: 'temporarily_unavailable' },
      200,
      'token-endpoint',
      /can't issue tokens now/,
    ],
    ['without words', { error: 'invalid_client', error_description: null }, 401, 'client-auth', /\(invalid_client\)/],
  ])('%s is told', async (_how, body, status, code, sentence) => {
    const error = await failureOf(requestWith(() => Response.json(body, { status })))
    expect(error).toMatchObject({ code, message: expect.stringMatching(sentence) })
  })
})

test.each<[number, Record<string, string>, object, RegExp]>([
  [
    503,
    { 'retry-after': '120' },
    { retryAfterMs: 120_000 },
    /asks for a pause of 120 s .*: if that recurs.*limit of requests/,
  ],
  [429, { 'retry-after': '1.5' }, { retryAfterMs: 1_500 }, /asks for a pause/],
  [403, { 'retry-after': '120' }, { retryAfterMs: 120_000 }, /asks for a pause of 120 s/],
  [503, {}, { retryAfterMs: undefined }, /HTTP 503: check/],
  [302, { location: 'https://login.example/?x=canary' }, {}, /it redirects to https:\/\/login\.example \(HTTP 302\)/],
  [403, {}, {}, /HTTP 403 with something that is not JSON .*: make firewalls/],
  [404, {}, {}, /HTTP 404 with something that is not JSON .*: check OIDC_ISSUER/],
  [407, {}, {}, /user and password of the proxy/],
  [421, {}, {}, /which server answers/],
  [425, {}, {}, /early data/],
])('HTTP %i with %j is told with what to do', async (status, headers, more, sentence) => {
  const error = await failureOf(requestWith(() => new Response('<h1>canary', { status, headers })))
  expect(error).toMatchObject({ name: 'OutageError', ...more, message: expect.stringMatching(sentence) })
  expect(error.message).not.toMatch(/canary/)
})
