import { expect, test } from 'vitest'
import type { Claims } from '../../src/auth/claims.ts'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import { inspectHasura, unassignedRole } from '../../src/doctor/inspect-hasura.ts'
import { createHasuraClient } from '../../src/hasura/hasura-client.ts'
import { VirtualClock } from '../auth/virtual-clock.ts'
import { refused, startScriptedServer } from '../hasura/scripted-server.ts'

const claims: Claims = { issuer: 'i', subject: 's', scopes: [], realmRoles: [], clientRoles: {}, payload: {} }

/** @param arrives whether a proxy in front of it passes `x-hasura-role` on */
async function inspect(allowedRoles: readonly string[], arrives: boolean) {
  const clock = new VirtualClock()
  await using server = await startScriptedServer((request, response) => {
    const role = arrives ? String(request.headers['x-hasura-role']) : 'viewer'
    const answer = allowedRoles.includes(role) ? { data: { __typename: 'query_root' } } : refused('access-denied')
    response.setHeader('content-type', 'application/json').end(JSON.stringify(answer))
  })
  const tokens = createTokenSource({ clock, requestToken: async () => new Token('token', clock.now() + 1e9) })
  const openClient = (role: string) => createHasuraClient({ url: server.url, role, tokens, clock })
  const roles = { defaultRole: 'viewer', allowedRoles }
  const finding = await inspectHasura(server.url, openClient, { claims, roles }, new AbortController().signal)
  return { ...finding, asked: server.requests.map(({ headers }) => headers['x-hasura-role']) }
}

test('a proxy that drops the role is found, since Hasura then takes the default role without a word', async () => {
  expect(await inspect(['viewer', 'editor'], false)).toMatchObject({
    status: 'fail',
    detail: expect.stringMatching(/x-hasura-role does not arrive and every job runs as "viewer"$/),
    hint: expect.stringContaining('x-hasura-role'),
  })
})

test('a role that arrives is no finding, and of an account with one role nothing is asked', async () => {
  expect(await inspect(['viewer', 'editor'], true)).toMatchObject({ status: 'ok', asked: ['viewer', unassignedRole] })
  expect(await inspect(['viewer'], false)).toMatchObject({ status: 'ok', asked: ['viewer'] })
})
