import { expect, test } from 'vitest'
import type { Requirement } from '../../src/account.ts'
import type { Claims } from '../../src/auth/claims.ts'
import { findUnusedGrants } from '../../src/gate/find-unused-grants.ts'

const claims: Claims = {
  issuer: 'https://idp.example/realms/wiki',
  subject: 'subject-1',
  scopes: ['email', 'kc-admin-api'],
  realmRoles: [],
  clientRoles: {},
  payload: {},
}

test.each<[string, Requirement, string[]]>([
  ['used by jobs with roles of the Admin API', { clientRoles: { 'realm-management': ['view-users'] } }, []],
  ['unused without such a job', { clientRoles: { wiki: ['viewer'] } }, ['kc-admin-api']],
])("the scope of Keycloak's Admin API is %s", (_name, requirement, unused) => {
  const needs = { requirements: [requirement], firstLoginRole: undefined, scopes: [] }
  expect(findUnusedGrants(needs, { claims, hasura: undefined }).scopes).toEqual(unused)
})

test.each(['organization', 'organization:acme', 'organization:*'])('the scope %s only shapes the token', scope => {
  const needs = { requirements: [], firstLoginRole: undefined, scopes: [scope] }
  expect(findUnusedGrants(needs, { claims: { ...claims, scopes: [scope] }, hasura: undefined }).scopes).toEqual([])
})

test.each<[string, { readonly areRolesFixed?: true }, string[]]>([
  ['except those of every user of a realm', {}, ['editor']],
  ['unless a map gives them to every token', { areRolesFixed: true }, []],
])('allowed roles that no job needs are told, %s', (_name, fixed, unused) => {
  const allowedRoles = ['viewer', 'editor', 'default-roles-wiki', 'offline_access', 'uma_authorization']
  const needs = { requirements: [{ role: 'viewer' }], firstLoginRole: undefined, scopes: [] }
  const hasura = { allowedRoles, defaultRole: 'viewer', values: {}, ...fixed }
  expect(findUnusedGrants(needs, { claims, hasura }).roles).toEqual(unused)
})
