import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openClusterDir } from '../fixtures/data-dir.ts'
import { listenOnLoopback } from '../fixtures/listen-on-loopback.ts'
import { hasuraClaims, signToken } from './hasura/sign-token.ts'
import { type SandboxHasura, startHasura } from './hasura/start-hasura.ts'

// The ways to configure JWT mode that the conformance cases, which have one configuration, can't show.

const key = 'a secret of at least thirty-two bytes'
const userId = 'a0000000-0000-4000-8000-000000000002'
const claims = hasuraClaims(userId, ['viewer'])

let hasura: SandboxHasura
beforeAll(async () => {
  hasura = await startHasura({ jwt: { key }, dataDir: (await openClusterDir()).path })
})
afterAll(() => hasura[Symbol.asyncDispose]())

async function ask(token: string, url = hasura.url, headers: Record<string, string> = {}): Promise<unknown> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, ...headers },
    body: JSON.stringify({ query: '{ topics(limit: 1, order_by: { title: asc }) { title } }' }),
  })
  return response.json()
}

const answered = { data: { topics: [{ title: 'Topic 01' }] } }
const refused = (code: string, message: string) => ({ errors: [{ message, extensions: { path: '$', code } }] })
const token = (payload: JWTPayload) => signToken(payload, key)

describe('where the claims are', () => {
  test('another namespace', async () => {
    hasura.setJwt({ key, claimsNamespace: 'wiki' })
    expect(await ask(await token(claims))).toEqual(refused('jwt-invalid-claims', "claims key: 'wiki' not found"))
    expect(await ask(await token({ wiki: claims['https://hasura.io/jwt/claims'] }))).toEqual(answered)
  })

  test.each(['$.hasura.claims', "$['hasura']['claims']"])('a path: %s', async path => {
    hasura.setJwt({ key, claimsNamespacePath: path })
    expect(await ask(await token({ hasura: { claims: claims['https://hasura.io/jwt/claims'] } }))).toEqual(answered)
    expect(await ask(await token(claims))).toEqual(
      refused('jwt-invalid-claims', `claims not found at claims_namespace_path: '${path}'`),
    )
  })

  test('claims as a string of JSON', async () => {
    hasura.setJwt({ key, claimsFormat: 'stringified_json' })
    const text = JSON.stringify(claims['https://hasura.io/jwt/claims'])
    expect(await ask(await token({ 'https://hasura.io/jwt/claims': text }))).toEqual(answered)
    expect(await ask(await token(claims))).toEqual(
      refused('jwt-invalid-claims', 'expecting a string when claims_format is stringified_json'),
    )
  })
})

describe('who the token is from and for', () => {
  test('an issuer must be the configured one', async () => {
    hasura.setJwt({ key, issuer: 'https://login.example/realms/wiki' })
    expect(await ask(await token({ ...claims, iss: 'https://login.example/realms/wiki' }))).toEqual(answered)
    expect(await ask(await token({ ...claims, iss: 'https://elsewhere.example' }))).toEqual(
      refused('invalid-jwt', 'Could not verify JWT: JWTNotInIssuer'),
    )
  })

  test.each([['wiki'], [['account', 'wiki']]])('one audience of %j must be configured', async aud => {
    hasura.setJwt({ key, audience: ['wiki', 'wiki-admin'] })
    expect(await ask(await token({ ...claims, aud }))).toEqual(answered)
    expect(await ask(await token({ ...claims, aud: 'account' }))).toEqual(
      refused('invalid-jwt', 'Could not verify JWT: JWTNotInAudience'),
    )
  })
})

describe('times', () => {
  const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

  test('a clock that differs is forgiven as far as configured', async () => {
    hasura.setJwt({ key, allowedSkewSeconds: 60 })
    expect(await ask(await token({ ...claims, exp: inSeconds(-30), iat: inSeconds(30), nbf: inSeconds(30) }))).toEqual(
      answered,
    )
    expect(await ask(await token({ ...claims, exp: inSeconds(-90) }))).toEqual(
      refused('invalid-jwt', 'Could not verify JWT: JWTExpired'),
    )
  })

  test.each([
    ['exp', -5, 'JWTExpired'],
    ['iat', 30, 'JWTIssuedAtFuture'],
    ['nbf', 30, 'JWTNotYetValid'],
  ])('without skew %s %d seconds from now is %s', async (claim, seconds, verdict) => {
    hasura.setJwt({ key })
    expect(await ask(await token({ ...claims, [claim]: inSeconds(seconds) }))).toEqual(
      refused('invalid-jwt', `Could not verify JWT: ${verdict}`),
    )
  })
})

test('tokens of an identity provider are verified with the keys it publishes', async () => {
  const { publicKey, privateKey } = await generateKeyPair('RS256')
  const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }
  await using provider = await listenOnLoopback(
    createServer((_, response) => response.end(JSON.stringify({ keys: [jwk] }))),
  )
  try {
    hasura.setJwt({ jwkUrl: `${provider.url}/certs` })
    const sign = (kid: string) =>
      new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid }).setExpirationTime('1m').sign(privateKey)
    expect(await ask(await sign('one'))).toEqual(answered)
    expect(await ask(await sign('two'))).toEqual(
      refused('invalid-jwt', 'Could not verify JWT: JWSError JWSNoSignatures'),
    )
    expect(await ask(await token(claims))).toEqual(
      refused('invalid-jwt', 'Could not verify JWT: JWSError JWSNoSignatures'),
    )
  } finally {
    hasura.setJwt({ key })
  }
})

test('where the role header is demanded, a request without it is refused', async () => {
  await using strict = await startHasura({
    jwt: { key },
    dataDir: (await openClusterDir()).path,
    requireRoleHeader: true,
  })
  expect(await ask(await token(claims), strict.url)).toEqual(
    refused('access-denied', 'x-hasura-role header is required'),
  )
  expect(await ask(await token(claims), strict.url, { 'x-hasura-role': 'viewer' })).toEqual(answered)
})

test('numbers can be answered as strings', async () => {
  await using stringifying = await startHasura({
    jwt: { key },
    dataDir: (await openClusterDir()).path,
    stringifyNumeric: true,
  })
  const response = await fetch(stringifying.url, {
    method: 'POST',
    headers: { authorization: `Bearer ${await token(hasuraClaims(userId, ['editor']))}` },
    body: JSON.stringify({
      query: `{ articles(where: { title: { _eq: "Article 001" } }) { revision rating }
        articles_aggregate { aggregate { count max { revision } } } }`,
    }),
  })
  expect(await response.json()).toEqual({
    data: {
      articles: [{ revision: '1', rating: '0.00000000000000000001' }],
      articles_aggregate: { aggregate: { count: 150, max: { revision: '9007199254741142' } } },
    },
  })
})

test('without a seed the tables are empty', async () => {
  await using empty = await startHasura({ jwt: { key }, dataDir: (await openClusterDir()).path, seed: false })
  expect(await ask(await token(claims), empty.url)).toEqual({ data: { topics: [] } })
})
