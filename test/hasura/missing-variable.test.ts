import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { expect } from 'vitest'
import { Token } from '../../src/auth/token.ts'
import { createTokenSource } from '../../src/auth/token-source.ts'
import { createHasuraClient } from '../../src/hasura/hasura-client.ts'
import { systemClock } from '../../src/time/clock.ts'
import { sandboxTest as test } from '../fixtures/sandbox-test.ts'
import { HASURA_NAMESPACE } from '../sandbox/identity/access-token-payload.ts'

const ownUser: TypedDocumentNode<{ users: unknown[] }, Record<string, never>> = parse('query OwnUser { users { id } }')

test('a session variable that a permission needs and the token lacks is refused by its name', async ({ sandbox }) => {
  const { idp, hasura } = sandbox
  idp.addClient({ clientId: 'nobody', clientSecret: 's', roles: ['restorer', 'viewer'] })
  idp.setClaims('nobody', payload => ({
    ...payload,
    [HASURA_NAMESPACE]: { 'x-hasura-allowed-roles': ['restorer', 'viewer'], 'x-hasura-default-role': 'viewer' },
  }))
  const tokens = createTokenSource({
    clock: systemClock,
    requestToken: async () => new Token(await idp.issueToken('nobody'), Date.now() + 60_000),
  })
  const ask = (role: string) =>
    createHasuraClient({ url: hasura.url, role, tokens, clock: systemClock }).query(ownUser, {})
  await expect(ask('restorer')).rejects.toMatchObject({
    name: 'RefusalError',
    code: 'claims',
    scope: 'job',
    found: 'Hasura found no "x-hasura-user-id" in the token, which a permission of role "restorer" needs',
  })
  expect(await ask('viewer')).toHaveProperty('users')
})
