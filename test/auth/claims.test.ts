import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ClaimsLocation, ClaimsMap, ClaimsObject } from '../../src/account.ts'
import { parseClaims } from '../../src/auth/claims.ts'
import { readHasuraClaims } from '../../src/auth/hasura-claims.ts'
import { RefusalError } from '../../src/errors.ts'

const namespace = 'https://hasura.io/jwt/claims'
const atNamespace: ClaimsObject = { namespace, format: 'json' }
const hasura = { 'x-hasura-default-role': 'viewer', 'x-hasura-allowed-roles': ['viewer', 'editor'] }

/** A token as Keycloak 26 writes it, with a signature that nobody looks at. */
function encode(claims: Record<string, unknown>, alg = 'RS256', signature = 'c2lnbmVk'): string {
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return `${part({ alg })}.${part({ iss: 'https://id/realms/a', sub: 'u1', azp: 'sync', ...claims })}.${signature}`
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

  test.each([
    [{ scope: 'openid  hasura' }, ['openid', 'hasura']],
    [{ scope: ['openid', 'hasura'] }, ['openid', 'hasura']],
    [{ scp: ['openid', 'hasura'] }, ['openid', 'hasura']],
    [{ scp: 'openid hasura' }, ['openid', 'hasura']],
    [{ scope: ['openid', 7] }, []],
    [{}, []],
  ])('reads the scopes of %j', (written, scopes) => {
    expect(parseClaims(encode(written)).scopes).toEqual(scopes)
  })

  test.each(['', 'canary', 'a.canary.c', 'eyJhbGciOiJub25lIn0.Y2FuYXJ5.', 'e30.e30'])(
    'refuses %j, which is no JWT',
    token => {
      const { code, message } = refusalOf(() => parseClaims(token))
      expect(code).toBe('claims')
      expect(message).toMatch(/is not a JWT/)
      expect(message).not.toMatch(/canary|eyJ/)
    },
  )

  test.each([
    ['none', ''],
    ['None', 'c2lnbmVk'],
    ['RS256', ''],
  ])('refuses a token with the algorithm %s and the signature %j', (alg, signature) => {
    const { code, message } = refusalOf(() => parseClaims(encode({}, alg, signature)))
    expect(code).toBe('claims')
    expect(message).toMatch(/is not signed/)
  })

  test.each([
    ['sub', /default scope `basic`/],
    ['iss', /no claim `iss`/],
  ])('refuses a token without %s', (name, hint) => {
    expect(refusalOf(() => parseClaims(encode({ [name]: undefined }))).message).toMatch(hint)
  })

  test('survives claims of any shape', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.jsonValue(), (claims, odd) => {
        const names = ['exp', 'scope', 'realm_access', 'resource_access', 'email', 'azp']
        const token = encode({ ...claims, ...Object.fromEntries(names.map(name => [name, odd])) })
        onlyRefuses(() => readHasuraClaims(parseClaims(token), atNamespace))
      }),
    )
  })
})

describe('readHasuraClaims', () => {
  test('reads roles, user and every session variable that is text', () => {
    const claims = parseClaims(encode({ [namespace]: { ...hasura, 'X-Hasura-User-Id': 'u1', n: 7 } }))
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
    const read = readHasuraClaims(claims, { namespace, path: '$', format: 'json' })
    expect(read.defaultRole).toBe('viewer')
    // Those of the token itself are new in each token.
    expect(Object.keys(read.values).filter(name => !name.startsWith('x-hasura-'))).toEqual([])
  })

  describe('from a map', () => {
    const roles = { 'x-hasura-default-role': 'viewer', 'x-hasura-allowed-roles': ['viewer'] }
    const token = {
      realm_access: { roles: ['viewer', 'editor'] },
      wiki: { role: 'viewer', number: 7, nothing: null, 'with.dot': 'd' },
    }
    const read = (map: ClaimsMap) => readHasuraClaims(parseClaims(encode(token)), { map })

    test('reads literals, paths and defaults, whatever the case of the names', () => {
      expect(
        read({
          'X-Hasura-Allowed-Roles': { path: '$.realm_access.roles' },
          'x-hasura-Default-role': { path: '$.wiki.role', default: 'editor' },
          'X-HASURA-USER-ID': { path: '$.sub' },
          'x-hasura-dotted': { path: "$.wiki['with.dot']" },
          'x-hasura-tenant': 'acme',
          'x-hasura-group': { path: '$.nowhere', default: 'all' },
        }),
      ).toEqual({
        defaultRole: 'viewer',
        allowedRoles: ['viewer', 'editor'],
        userId: 'u1',
        values: {
          'x-hasura-default-role': 'viewer',
          'x-hasura-user-id': 'u1',
          'x-hasura-dotted': 'd',
          'x-hasura-tenant': 'acme',
          'x-hasura-group': 'all',
        },
      })
    })

    test('knows whether it lists the roles itself', () => {
      expect(read(roles).areRolesFixed).toBe(true)
      const onlyRoles = { ...roles, 'x-hasura-allowed-roles': { path: '$.realm_access.roles' } }
      expect(read(onlyRoles).areRolesFixed).toBeUndefined()
    })

    test('reads whatever was put at a path, and the default for what was not', () => {
      const name = fc.string({ minLength: 1 }).filter(text => !['iss', 'sub', 'azp', '__proto__'].includes(text))
      const list = fc.uniqueArray(fc.string({ minLength: 1 }), { minLength: 1, maxLength: 4 })
      fc.assert(
        fc.property(name, list, list, fc.boolean(), (place, inToken, otherwise, present) => {
          const quoted = `$['${place.replaceAll(/['\\]/g, '\\$&')}']`
          const map: ClaimsMap = {
            'x-hasura-allowed-roles': { path: quoted, default: otherwise },
            'x-hasura-default-role': { path: `${quoted}[0]`, default: otherwise[0] ?? '' },
          }
          const claims = parseClaims(encode(present ? { [place]: inToken } : {}))
          expect(readHasuraClaims(claims, { map }).allowedRoles).toEqual(present ? inToken : otherwise)
        }),
      )
    })

    test('refuses, and never fails otherwise, whatever the token holds at the paths', () => {
      fc.assert(
        fc.property(fc.jsonValue(), fc.jsonValue(), fc.string(), (roles, user, path) => {
          const claims = parseClaims(encode({ roles, user }))
          const map: ClaimsMap = {
            'x-hasura-allowed-roles': { path: '$.roles' },
            'x-hasura-default-role': { path: '$.roles[0]' },
            'x-hasura-user-id': { path: '$.user' },
            'x-hasura-any': { path },
          }
          onlyRefuses(() => readHasuraClaims(claims, { map }))
        }),
      )
    })

    test.each<[string, ClaimsMap, string, RegExp]>([
      [
        'no roles at the path',
        { ...roles, 'x-hasura-allowed-roles': { path: '$.x' } },
        'allowed-roles',
        /at \$\.x, .*no role/,
      ],
      ['a map without roles', { 'x-hasura-default-role': 'viewer' }, 'allowed-roles', /no role/],
      ['no default role', { ...roles, 'x-hasura-default-role': { path: '$.wiki.nope' } }, 'default-role', /has no/],
      [
        'roles of null',
        { ...roles, 'x-hasura-allowed-roles': { path: '$.wiki.nothing' } },
        'allowed-roles',
        /not a list/,
      ],
      ['a number', { ...roles, 'x-hasura-n': { path: '$.wiki.number' } }, 'claims', /`x-hasura-n` .*is not text/],
      [
        'a claim that is not there',
        { ...roles, 'x-hasura-n': { path: '$.wiki.n' } },
        'claims',
        /no claim at \$\.wiki\.n,/,
      ],
      ['a path that is none', { ...roles, 'x-hasura-n': { path: '$..n' } }, 'claims', /not a JSON path/],
    ])('refuses %s', (_name, map, code, sentence) => {
      const refused = refusalOf(() => read(map))
      expect(refused.code).toBe(code)
      expect(refused.message).toMatch(sentence)
    })
  })

  test('refuses, and never fails otherwise, whatever stands in the namespace', () => {
    const format = fc.constantFrom<'json' | 'stringified_json'>('json', 'stringified_json')
    const names = fc.constantFrom('x-hasura-allowed-roles', 'X-HASURA-DEFAULT-ROLE', 'x-hasura-user-id', '__proto__')
    const value = fc.oneof(fc.jsonValue(), fc.dictionary(names, fc.jsonValue()), fc.json())
    fc.assert(
      fc.property(value, format, fc.option(fc.string()), (odd, kind, path) => {
        const location = { namespace, format: kind, ...(path !== null && { path }) }
        onlyRefuses(() => readHasuraClaims(parseClaims(encode({ [namespace]: odd })), location))
      }),
    )
  })

  test.each<[string, Record<string, unknown>, Partial<ClaimsObject>, string, RegExp]>([
    [
      'roles without the scope',
      { resource_access: { app: { roles: ['viewer'] } } },
      {},
      'claims',
      /though roles are assigned: make the `hasura` client scope a default scope.*Clients → sync → Client scopes/,
    ],
    [
      'neither',
      { resource_access: { account: { roles: ['view-profile'] } } },
      {},
      'claims',
      /no assigned client role either: .*HASURA_CLAIMS_NAMESPACE/,
    ],
    [
      'the scope without its claims',
      { scope: 'email hasura', resource_access: { app: { roles: ['viewer'] } } },
      {},
      'claims',
      /though it has the `hasura` scope: .*Add to access token/,
    ],
    [
      'a lightweight token',
      { jti: 'trltcc:715b79fb-28dc-39be-6de7-d6c3624be2d9', scope: 'email hasura' },
      {},
      'claims',
      /is lightweight and has .*Add to lightweight access token in each mapper .*Clients → sync → Advanced/,
    ],
    [
      'another namespace',
      { 'https://other.example/claims': hasura, resource_access: { app: { roles: ['viewer'] } } },
      {},
      'claims',
      /but Hasura's roles are in `https:\/\/other.example\/claims`: set HASURA_CLAIMS_NAMESPACE=https:\/\/other.example\/claims/,
    ],
    [
      'another namespace with a string in it',
      { other: JSON.stringify(hasura) },
      {},
      'claims',
      /are in `other`: set HASURA_CLAIMS_NAMESPACE=other/,
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
      /a string that does not hold a JSON object/,
    ],
    ['a list', { [namespace]: [] }, {}, 'claims', /not an object/],
    [
      'a path that is none',
      { [namespace]: hasura },
      { path: '$.hasura..claims' },
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
      /not a role name/,
    ],
    [
      'a session variable that is no text',
      { [namespace]: { ...hasura, 'X-Hasura-Groups': ['a'] } },
      {},
      'claims',
      /`x-hasura-groups` .*is not text.*claim type of its mapper to String/,
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
      /is not a role name/,
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

function onlyRefuses(act: () => unknown): void {
  try {
    act()
  } catch (error) {
    expect(error).toBeInstanceOf(RefusalError)
  }
}
