import { describe, expect, test } from 'vitest'
import { OutageError, PermanentError } from '../../src/errors.ts'
import { explainAdminRefusal } from '../../src/provision/explain-admin-refusal.ts'

test("a token that is rejected is the administrator's, not the account's", () => {
  const error = new OutageError('unauthorized', 'job', { found: 'clients.find: HTTP 401', remedy: 'x' })
  expect(explainAdminRefusal(error, 'wiki')).toMatchObject({
    code: 'unauthorized',
    found: 'clients.find: HTTP 401',
    remedy: expect.stringMatching(/client scope "kc-admin-api".* a default scope of the administrator's client/),
  })
})

describe('what a refused administrator needs', () => {
  test.each([
    ['clients.create', 'assign manage-clients and manage-users of client "realm-management"'],
    [
      'clientScopes.addProtocolMapper',
      'assign manage-clients and manage-users, and to change mappers since Keycloak 26.8.2 manage-realm, of client "realm-management"',
    ],
    [
      'users.addClientRoleMappings',
      'if it belongs to realm master; to assign a role of that client, it must have this role itself, and with Keycloak 26.4.0 to 26.4.7 and 26.5.0 realm-admin',
    ],
  ])('for %s', (name, remedy) => {
    const error = new PermanentError('forbidden', `${name} of Keycloak's Admin API was refused (HTTP 403)`)
    expect(explainAdminRefusal(error, 'wiki')).toMatchObject({
      found: `The administrator may not do ${name} in realm "wiki" (HTTP 403)`,
      remedy: expect.stringContaining(remedy),
    })
  })
})
