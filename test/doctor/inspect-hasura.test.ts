import { expect, test } from 'vitest'
import type { Claims } from '../../src/auth/claims.ts'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import { inspectHasura, unassignedRole } from '../../src/doctor/inspect-hasura.ts'
import { createHasuraClient } from '../../src/hasura/hasura-client.ts'
import { VirtualClock } from '../fixtures/virtual-clock.ts'
import { refused, startScriptedHasura } from '../hasura/scripted-hasura.ts'

const claims: Claims = { issuer: 'i', subject: 's', scopes: [], realmRoles: [], clientRoles: {}, payload: {} }

const answered = { data: { __typename: 'query_root' } }

const notAllowed = refused('validation-failed', 'query is not allowed', '$')

interface Api {
  /** Of the token. */
  readonly algorithm?: string
  /** Whether a proxy in front of it passes `x-hasura-role` on; default: it does. */
  readonly roleArrives?: boolean
  /** Whether it verifies tokens; default: it does. */
  readonly verifies?: boolean
  /** What it answers to a role of the token. */
  readonly answer?: object
}

async function inspect(
  allowedRoles: readonly string[],
  { roleArrives = true, verifies = true, answer = answered, algorithm = 'RS256' }: Api = {},
) {
  const clock = new VirtualClock()
  await using server = await startScriptedHasura(({ headers }, response) => {
    const isKnown = headers.authorization === 'Bearer token'
    const isAllowed = !roleArrives || allowedRoles.includes(String(headers['x-hasura-role']))
    const refusal = isKnown ? refused('access-denied') : refused('invalid-jwt', 'Could not verify JWT: JWSError', '$')
    const given = !verifies || (isKnown && isAllowed) ? answer : refusal
    response.setHeader('content-type', 'application/json').end(JSON.stringify(given))
  })
  const tokens = createTokenSource({ clock, requestToken: async () => new Token('token', clock.now() + 1e9) })
  const openClient = (role: string) => createHasuraClient({ url: server.url, role, tokens, clock })
  const roles = { defaultRole: 'viewer', allowedRoles }
  const deps = { openClient, clock }
  const finding = await inspectHasura(
    server.url,
    deps,
    { claims: { ...claims, algorithm }, roles },
    new AbortController().signal,
  )
  const asked = server.requests.filter(({ headers }) => headers.authorization === 'Bearer token')
  return { ...finding, asked: asked.map(({ headers }) => headers['x-hasura-role']) }
}

test.each([
  [
    'HS256',
    /signed with HS256, which Hasura verifies only with the key of the identity provider$/,
    /signature algorithm to RS256 under Clients .*; if Hasura has that key, compare .*issuer, audience and jwk_url/,
  ],
  ['RS256', /the audience none$/, /^compare them with issuer, audience and jwk_url/],
])('a token that Hasura rejects, signed with %s, has its own remedy', async (algorithm, detail, hint) => {
  const answer = refused('invalid-jwt', 'Could not verify JWT: JWSError JWSNoSignatures', '$')
  expect(await inspect(['viewer'], { algorithm, answer })).toMatchObject({
    status: 'fail',
    detail: expect.stringMatching(detail),
    hint: expect.stringMatching(hint),
  })
})

test('a proxy that drops the role is found, since Hasura then takes the default role without a word', async () => {
  expect(await inspect(['viewer', 'editor'], { roleArrives: false })).toMatchObject({
    status: 'fail',
    detail: expect.stringMatching(/x-hasura-role does not arrive and every job runs as "viewer"$/),
    hint: expect.stringContaining('x-hasura-role'),
  })
})

test('a role that arrives is no finding, and of an account with one role nothing is asked', async () => {
  expect(await inspect(['viewer', 'editor'])).toMatchObject({ status: 'ok', asked: ['viewer', unassignedRole] })
  expect(await inspect(['viewer'], { roleArrives: false })).toMatchObject({ status: 'ok', asked: ['viewer'] })
})

test.each([[['viewer']], [['viewer', 'editor']]])(
  'a Hasura that verifies no tokens is found, also for an account with the roles %j',
  async allowedRoles => {
    expect(await inspect(allowedRoles, { verifies: false })).toMatchObject({
      status: 'fail',
      detail: expect.stringMatching(/answers a token that is none, so it verifies no tokens/),
      hint: expect.stringMatching(/HASURA_GRAPHQL_JWT_SECRET.*pass the header Authorization/),
    })
  },
)

test('an API of another kind is told from Hasura 2, as that of Hasura DDN is', async () => {
  expect(await inspect(['viewer'], { answer: { data: { __typename: 'Query' } } })).toMatchObject({
    status: 'warn',
    detail: expect.stringMatching(/its query type is Query, which is not that of Hasura 2$/),
    hint: expect.stringMatching(/^check HASURA_URL; if it leads to Hasura DDN/),
  })
})

test('an allow list without its own query is no finding, and hides none', async () => {
  expect(await inspect(['viewer', 'editor'], { answer: notAllowed })).toMatchObject({
    status: 'ok',
    detail: expect.stringMatching(/has an allow list without this query, but accepts role "viewer"$/),
    asked: ['viewer', unassignedRole],
  })
  expect(await inspect(['viewer', 'editor'], { answer: notAllowed, roleArrives: false })).toMatchObject({
    status: 'fail',
    hint: expect.stringContaining('x-hasura-role'),
  })
  expect(await inspect(['viewer'], { answer: notAllowed, verifies: false })).toMatchObject({
    status: 'fail',
    hint: expect.stringContaining('HASURA_GRAPHQL_JWT_SECRET'),
  })
})

test('a token that an authentication hook refuses is not compared with what Hasura would verify', async () => {
  const answer = refused('access-denied', 'Authentication hook unauthorized this request', '$')
  expect(await inspect(['viewer'], { answer })).toMatchObject({
    status: 'fail',
    detail: expect.stringMatching(/\(Authentication hook unauthorized this request\)$/),
    hint: expect.stringMatching(/log of the authentication hook/),
  })
})
