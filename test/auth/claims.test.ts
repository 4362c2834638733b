import fc from 'fast-check'
import { UnsecuredJWT } from 'jose'
import { describe, expect, test } from 'vitest'
import type { ClaimsLocation } from '../../src/account.ts'
import { parseClaims, readHasuraClaims } from '../../src/auth/claims.ts'
import { RefusalError } from '../../src/errors.ts'

const namespace = 'https://hasura.io/jwt/claims'
const atNamespace: ClaimsLocation = { namespace, format: 'json' }
const hasura = { 'x-hasura-default-role': 'viewer', 'x-hasura-allowed-roles': ['viewer', 'editor'] }

/** A token as Keycloak 26 writes it, without a signature. */
function encode(claims: Record<string, unknown>): string {
  return new UnsecuredJWT({ iss: 'https://id/realms/a', sub: 'u1', azp: 'sync', ...claims }).encode()
}

function refusalOf(act: () => unknown): { code: string; message: string } {
  try {
    act()
  } catch (error) {
    if (error instanceof RefusalError) return { code: error.code, message: error.message }
    throw error
  }
  throw new Error('nothing was refused')
}

function readRefused(claims: Record<string, unknown>, location: ClaimsLocation = atNamespace) {
  return refusalOf(() => readHasuraClaims(parseClaims(encode(claims)), location))
}

describe('parseClaims', () => {
  test('reads what Keycloak writes', () => {
    const claims = parseClaims(
      encode({
        exp: 2_000_000_300,
        iat: 2_000_000_000,
        email: 'a@example.com',
        email_verified: false,
        scope: 'openid  hasura',
        realm_access: { roles: ['offline_access'] },
        resource_access: { app: { roles: ['viewer'] }, broken: 7 },
      }),
    )
    expect(claims).toMatchObject({
      issuer: 'https://id/realms/a',
      subject: 'u1',
      expiresAt: 2_000_000_300_000,
      issuedAt: 2_000_000_000_000,
      authorizedParty: 'sync',
      email: 'a@example.com',
      emailVerified: false,
      scopes: ['openid', 'hasura'],
      realmRoles: ['offline_access'],
      clientRoles: { app: ['viewer'] },
    })
    expect(claims.payload.azp).toBe('sync')
  })

  test('takes client_id where there is no azp', () => {
    expect(parseClaims(encode({ azp: undefined, client_id: 'other' })).authorizedParty).toBe('other')
  })

  test.each(['', 'canary', 'a.canary.c', 'eyJhbGciOiJub25lIn0.Y2FuYXJ5.'])('refuses %j, which is no JWT', token => {
    const { code, message } = refusalOf(() => parseClaims(token))
    expect(code).toBe('claims')
    expect(message).toMatch(/is not a JWT/)
    expect(message).not.toMatch(/canary|eyJ/)
  })

  test.each([
    ['sub', /client scope `basic`/],
    ['iss', /no claim `iss`/],
  ])('refuses a token without %s', (name, hint) => {
    expect(refusalOf(() => parseClaims(encode({ [name]: undefined }))).message).toMatch(hint)
  })

  test('survives claims of any shape', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (claims, odd) => {
        const names = ['exp', 'scope', 'realm_access', 'resource_access', 'email', 'azp']
        const token = encodeAnything({ ...claims, ...Object.fromEntries(names.map(name => [name, odd])) })
        onlyRefuses(() => readHasuraClaims(parseClaims(token), atNamespace))
      }),
    )
  })
})

describe('readHasuraClaims', () => {
  test('reads roles, user and everything that is text', () => {
    const claims = parseClaims(encode({ [namespace]: { ...hasura, 'X-Hasura-User-Id': 'u1', 'x-hasura-n': 7 } }))
    expect(readHasuraClaims(claims, atNamespace)).toEqual({
      defaultRole: 'viewer',
      allowedRoles: ['viewer', 'editor'],
      userId: 'u1',
      values: { 'x-hasura-default-role': 'viewer', 'x-hasura-user-id': 'u1' },
    })
  })

  test('leaves it to the job whether a user id has to be there', () => {
    expect(readHasuraClaims(parseClaims(encode({ [namespace]: hasura })), atNamespace).userId).toBeUndefined()
  })

  test('reads any namespace, path, format and case', () => {
    const randomCase = (name: string, upper: readonly boolean[]) =>
      [...name].map((letter, at) => (upper[at % upper.length] ? letter.toUpperCase() : letter)).join('')
    const cases = fc.record({
      names: fc.array(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }),
      byPath: fc.boolean(),
      stringified: fc.boolean(),
      upper: fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
      roles: fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 }),
    })
    fc.assert(
      fc.property(cases, ({ names, byPath, stringified, upper, roles }) => {
        const written = {
          [randomCase('x-hasura-default-role', upper)]: roles[0],
          [randomCase('x-hasura-allowed-roles', upper)]: roles,
        }
        const way = byPath ? names : names.slice(0, 1)
        // A claim that the token needs anyway can't be the place of another.
        fc.pre(!['iss', 'sub', 'azp', '__proto__'].some(name => way.includes(name)))
        const value: unknown = stringified ? JSON.stringify(written) : written
        const payload = way.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value)
        const path = `$${way.map(name => `['${name.replaceAll(/['\\]/g, '\\$&')}']`).join('')}`
        const location: ClaimsLocation = {
          namespace: way[0] ?? '',
          format: stringified ? 'stringified_json' : 'json',
          ...(byPath && { path }),
        }
        const read = readHasuraClaims(parseClaims(encode(Object(payload))), location)
        expect(read).toMatchObject({ defaultRole: roles[0], allowedRoles: roles })
      }),
    )
  })

  test('reads claims that stand at the root', () => {
    const claims = parseClaims(encode(hasura))
    expect(readHasuraClaims(claims, { namespace, path: '$', format: 'json' }).defaultRole).toBe('viewer')
  })

  test('refuses, and never fails otherwise, whatever stands in the namespace', () => {
    const format = fc.constantFrom<'json' | 'stringified_json'>('json', 'stringified_json')
    const names = fc.constantFrom('x-hasura-allowed-roles', 'X-HASURA-DEFAULT-ROLE', 'x-hasura-user-id', '__proto__')
    const value = fc.oneof(fc.jsonValue(), fc.dictionary(names, fc.jsonValue()), fc.json())
    fc.assert(
      fc.property(value, format, fc.option(fc.string()), (odd, kind, path) => {
        const location = { namespace, format: kind, ...(path !== null && { path }) }
        onlyRefuses(() => readHasuraClaims(parseClaims(encodeAnything({ [namespace]: odd })), location))
      }),
    )
  })

  test.each<[string, Record<string, unknown>, Partial<ClaimsLocation>, string, RegExp]>([
    [
      'roles without the scope',
      { resource_access: { app: { roles: ['viewer'] } } },
      {},
      'claims',
      /roles are assigned, but .*Clients → sync → Client scopes/,
    ],
    [
      'neither',
      { resource_access: { account: { roles: ['view-profile'] } } },
      {},
      'claims',
      /either .*HASURA_CLAIMS_NAMESPACE/,
    ],
    [
      'another namespace',
      { 'https://other.example/claims': hasura, resource_access: { app: { roles: ['viewer'] } } },
      {},
      'claims',
      /but Hasura's roles stand in `https:\/\/other.example\/claims`: set HASURA_CLAIMS_NAMESPACE=https:\/\/other.example\/claims/,
    ],
    [
      'another namespace with a string in it',
      { other: JSON.stringify(hasura) },
      {},
      'claims',
      /stand in `other`: set HASURA_CLAIMS_NAMESPACE=other/,
    ],
    ['a mapper with plain dots', { 'https://hasura': { 'io/jwt/claims': hasura } }, {}, 'claims', /split at its dots/],
    [
      'a string though JSON is configured',
      { [namespace]: JSON.stringify(hasura) },
      {},
      'claims',
      /HASURA_CLAIMS_FORMAT=stringified_json/,
    ],
    [
      'JSON though a string is configured',
      { [namespace]: hasura },
      { format: 'stringified_json' },
      'claims',
      /HASURA_CLAIMS_FORMAT=json/,
    ],
    [
      'a string that is no JSON',
      { [namespace]: 'x' },
      { format: 'stringified_json' },
      'claims',
      /not one that holds a JSON object/,
    ],
    ['a list', { [namespace]: [] }, {}, 'claims', /not an object/],
    [
      'a path that is none',
      { [namespace]: hasura },
      { path: 'hasura' },
      'claims',
      /HASURA_CLAIMS_PATH is not a JSON path/,
    ],
    ['no roles', { [namespace]: { 'x-hasura-user-id': 'u1' } }, {}, 'allowed-roles', /no role is assigned.*"sync"/],
    [
      'an empty list of roles',
      { [namespace]: { ...hasura, 'x-hasura-allowed-roles': [] } },
      {},
      'allowed-roles',
      /no role is assigned/,
    ],
    [
      'a single role',
      { [namespace]: { ...hasura, 'x-hasura-allowed-roles': 'viewer' } },
      {},
      'allowed-roles',
      /Multivalued/,
    ],
    [
      'roles that are no text',
      { [namespace]: { ...hasura, 'x-hasura-allowed-roles': ['viewer', 1] } },
      {},
      'allowed-roles',
      /not the name of a role/,
    ],
    [
      'no default role',
      { [namespace]: { ...hasura, 'x-hasura-default-role': undefined } },
      {},
      'default-role',
      /has no `x-hasura-default-role`/,
    ],
    [
      'a default role that is no text',
      { [namespace]: { ...hasura, 'x-hasura-default-role': ['viewer'] } },
      {},
      'default-role',
      /is not the name of a role/,
    ],
    [
      'a default role that is not allowed',
      { [namespace]: { ...hasura, 'x-hasura-default-role': 'admin' } },
      {},
      'default-role',
      /"admin", which is not among the allowed roles viewer, editor/,
    ],
  ])('refuses %s', (_name, claims, location, code, sentence) => {
    const refused = readRefused(claims, { ...atNamespace, ...location })
    expect(refused.code).toBe(code)
    expect(refused.message).toMatch(sentence)
  })
})

/** Whatever is in it: no library has a say in the payload. */
function encodeAnything(payload: object): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg: 'none' })}.${part({ iss: 'i', sub: 's', ...payload })}.`
}

function onlyRefuses(act: () => unknown): void {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(RefusalError)
  }
}
