import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Requirement } from '../../src/account.ts'
import type { Claims } from '../../src/auth/claims.ts'
import { findRefusal } from '../../src/gate/requirement.ts'

type ClientRoles = Record<string, readonly string[]>

function granted(allowedRoles: readonly string[] | undefined, claims: Partial<Claims> = {}) {
  return {
    claims: {
      issuer: 'https://idp.example/realms/wiki',
      subject: 'subject-1',
      authorizedParty: 'sync-worker',
      scopes: [],
      realmRoles: [],
      clientRoles: {},
      payload: {},
      ...claims,
    },
    hasura: allowedRoles && { allowedRoles, defaultRole: allowedRoles[0] ?? '', values: {} },
  }
}

const builtIn = { account: ['manage-account', 'view-profile'] }

const inScope =
  ', and where Full scope allowed is off also under Clients → sync-worker → Client scopes → sync-worker-dedicated → Scope'

describe('a role that is missing', () => {
  test.each<{ says: string; allowed: readonly string[]; clientRoles: ClientRoles; advice: string }>([
    {
      says: 'is to be assigned in the client whose roles are the allowed ones',
      allowed: ['viewer'],
      clientRoles: { ...builtIn, 'phonemos-hasura': ['viewer'] },
      advice: `assign it to the service account in client "phonemos-hasura"${inScope}`,
    },
    {
      says: 'is not said to belong to another client that the account has roles of',
      allowed: ['viewer'],
      clientRoles: { ...builtIn, 'phonemos-hasura': ['viewer'], 'other-app': ['editor'] },
      advice: `assign it to the service account in client "phonemos-hasura"${inScope}`,
    },
    {
      says: 'is to be assigned to the service account where two clients could be meant',
      allowed: ['viewer'],
      clientRoles: { one: ['viewer'], two: ['viewer'] },
      advice: `assign it to the service account of client "sync-worker"${inScope}`,
    },
    {
      says: 'is to be assigned to the service account where the token shows no clients',
      allowed: ['viewer'],
      clientRoles: {},
      advice: `assign it to the service account of client "sync-worker"${inScope}`,
    },
    {
      says: 'is a matter of the mapper where the token holds it without allowing it',
      allowed: ['viewer'],
      clientRoles: { 'phonemos-hasura': ['viewer', 'editor'] },
      advice:
        'the token holds it for client "phonemos-hasura", so check which client the mapper of "x-hasura-allowed-roles" reads',
    },
  ])('$says', ({ allowed, clientRoles, advice }) => {
    expect(findRefusal({ role: 'editor' }, granted(allowed, { clientRoles }))).toMatchObject({
      code: 'job-roles',
      scope: 'job',
      message: `Role "editor" is not in the token's allowed roles (${allowed.join(', ')}): ${advice}`,
    })
  })

  test('is to be added to a map that lists the allowed ones', () => {
    const { claims, hasura } = granted(['viewer'])
    const fixed = { claims, hasura: hasura && { ...hasura, areRolesFixed: true as const } }
    expect(findRefusal({ role: 'editor' }, fixed)?.remedy).toBe(
      "add it to x-hasura-allowed-roles in Hasura's claims_map and in HASURA_CLAIMS_MAP",
    )
  })

  test('of an account without Hasura asks for the endpoint', () => {
    expect(findRefusal({ role: 'editor' }, granted(undefined))).toMatchObject({
      code: 'job-roles',
      message: 'Role "editor" is required, but the account has no Hasura endpoint: set HASURA_URL',
    })
  })

  test('of a client names client, role and what the token holds', () => {
    const claims = { clientRoles: { 'wiki-api': ['read'] } }
    expect(findRefusal({ clientRoles: { 'wiki-api': ['read', 'write'] } }, granted(['viewer'], claims))).toMatchObject({
      code: 'job-roles',
      scope: 'job',
      message: `Role write of client "wiki-api" is not in the token (it holds read): assign it under Clients → sync-worker → Service account roles${inScope}`,
    })
  })
})

test('a token without roles of any client may lack the scope that adds them', () => {
  expect(findRefusal({ clientRoles: { 'wiki-api': ['write'] } }, granted(undefined, {}))?.remedy).toBe(
    `assign it under Clients → sync-worker → Service account roles${inScope}; if it is assigned, give the client the default scope "roles" (Clients → sync-worker → Client scopes)`,
  )
})

test('a missing scope names itself and the scopes there are', () => {
  const refusal = findRefusal({ scopes: ['wiki', 'files'] }, granted(undefined, { scopes: ['wiki', 'email'] }))
  expect(refusal).toMatchObject({
    code: 'scope',
    scope: 'job',
    message: `Scope files is not among the token's scopes (wiki, email): add it to the client's client scopes and to SCOPE`,
  })
})

const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 4 })
const requirement = fc.oneof(
  names.map(([role = '']): Requirement => ({ role })),
  names.map((scopes): Requirement => ({ scopes })),
  fc.tuple(names, names).map(([clients, roles]): Requirement => {
    return { clientRoles: Object.fromEntries(clients.map(client => [client, roles])) }
  }),
)
const elsewhere = fc.dictionary(fc.stringMatching(/^[a-z]{1,6}$/), names)

/** Claims that hold what is required, among other things, except the names in `without`. */
function claimsFor(wanted: Requirement, others: readonly string[], clientRoles: ClientRoles, without: string[] = []) {
  const keep = (held: readonly string[]) => [...held, ...others].filter(name => !without.includes(name))
  if ('role' in wanted) return granted(keep([wanted.role]), { clientRoles })
  if ('scopes' in wanted) return granted(['viewer'], { clientRoles, scopes: keep(wanted.scopes) })
  const held = Object.entries(wanted.clientRoles).map(([client, roles]) => [client, keep(roles)] as const)
  return granted(['viewer'], { clientRoles: { ...clientRoles, ...Object.fromEntries(held) } })
}

describe('whatever is required', () => {
  test('is never refused when the claims hold it', () => {
    fc.assert(
      fc.property(requirement, names, elsewhere, (wanted, others, clientRoles) => {
        expect(findRefusal(wanted, claimsFor(wanted, others, clientRoles))).toBeUndefined()
      }),
    )
    expect(findRefusal(undefined, granted(undefined))).toBeUndefined()
  })

  test('is always refused when a part of it is missing, naming that part and what was found', () => {
    fc.assert(
      fc.property(requirement, names, elsewhere, (wanted, others, clientRoles) => {
        const parts =
          'role' in wanted ? [wanted.role] : 'scopes' in wanted ? wanted.scopes : Object.values(wanted.clientRoles)[0]
        const missing = parts?.[0] ?? ''
        const claims = claimsFor(wanted, others, clientRoles, [missing])
        const refusal = findRefusal(wanted, claims)
        expect(refusal?.message).toContain(missing)
        for (const found of others.filter(name => name !== missing)) expect(refusal?.message).toContain(found)
      }),
    )
  })
})

test('a role of a client that a lightweight token leaves out is one of a mapper, not of an assignment', () => {
  const requirement = { clientRoles: { 'realm-management': ['view-users'] } }
  const jti = 'trltcc:715b79fb-28dc-39be-6de7-d6c3624be2d9'
  expect(findRefusal(requirement, granted(undefined, { payload: { jti } }))?.remedy).toMatch(
    /^turn on Add to lightweight access token in client roles under Client scopes → roles → Mappers/,
  )
  const written = { payload: { jti, resource_access: { account: { roles: [] } } } }
  expect(findRefusal(requirement, granted(undefined, written))?.remedy).toMatch(/^assign it under/)
})
