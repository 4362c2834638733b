import type { Account, Requirement } from '../account.ts'
import type { Claims } from '../auth/claims.ts'
import { ownValue } from '../names/own-value.ts'
import { adminApiScope, mayUseAdminApi } from '../rest/admin-api-scope.ts'
import type { Granted } from './requirement.ts'

/** The grants that the account's jobs and its login need. */
export interface Needs {
  readonly requirements: readonly (Requirement | undefined)[]
  /** The role of the first login, when there is one to make. */
  readonly firstLoginRole: string | undefined
  /** The requested scopes. */
  readonly scopes: readonly string[]
}

/**
 * @param requirements of the account's jobs
 * @param firstLogin the project's, if it has one
 */
export function needsOf(
  { login, hasura: endpoint }: Account,
  requirements: readonly (Requirement | undefined)[],
  firstLogin: object | undefined,
  { hasura }: Granted,
): Needs {
  const role = endpoint?.refreshRole ?? hasura?.defaultRole
  return { requirements, firstLoginRole: hasura && firstLogin ? role : undefined, scopes: login.scopes }
}

/** Finds unused grants of the token, which least privilege would remove; pure. */
export function findUnusedGrants(
  needs: Needs,
  { claims, hasura }: Granted,
): { readonly roles: readonly string[]; readonly scopes: readonly string[] } {
  const allowed = hasura?.allowedRoles ?? []
  const needed = new Set(needs.requirements.flatMap(each => (each && 'role' in each ? each.role : [])))
  if (needs.firstLoginRole !== undefined) needed.add(needs.firstLoginRole)
  return {
    roles: [
      // Nobody can take away what a map gives to every token.
      ...(hasura?.areRolesFixed ? [] : allowed.filter(role => !needed.has(role) && !isGivenToAll(role))),
      ...findUnusedClientRoles(needs, claims, allowed),
      ...claims.realmRoles
        .filter(role => !isGivenToAll(role) && !allowed.includes(role))
        .map(role => `${role} of the realm`),
    ],
    scopes: findUnusedScopes(needs, claims, hasura !== undefined),
  }
}

/** Without the roles in Hasura's claims, which are reported above. */
function findUnusedClientRoles(
  { requirements }: Needs,
  { clientRoles }: Claims,
  allowed: readonly string[],
): readonly string[] {
  return Object.entries(clientRoles).flatMap(([client, held]) => {
    if (ownClients.has(client)) return []
    const needed = requirements.flatMap(each =>
      each && 'clientRoles' in each ? (ownValue(each.clientRoles, client) ?? []) : [],
    )
    const implied = needed.flatMap(role => impliedRoles.get(role) ?? [])
    return held
      .filter(role => ![...needed, ...implied, ...allowed].includes(role))
      .map(role => `${role} of client "${client}"`)
  })
}

/** Every user of a realm has roles of these clients. */
const ownClients: ReadonlySet<string> = new Set(['account', 'broker'])

/** Composite roles of `realm-management`, whose parts are in the token as well. */
const impliedRoles: ReadonlyMap<string, readonly string[]> = new Map([
  ['view-users', ['query-users', 'query-groups']],
  ['view-clients', ['query-clients']],
])

function isGivenToAll(realmRole: string): boolean {
  return /^default-roles-|^offline_access$|^uma_authorization$/.test(realmRole)
}

function findUnusedScopes({ requirements }: Needs, { scopes }: Claims, hasHasura: boolean): readonly string[] {
  const needed = new Set(requirements.flatMap(each => (each && 'scopes' in each ? each.scopes : [])))
  if (mayUseAdminApi(requirements)) needed.add(adminApiScope)
  // That of an organization is followed by its name, or by "*".
  const isBuiltIn = (scope: string) => builtInScopes.has(scope.replace(/^organization:.*/, 'organization'))
  return scopes.filter(scope => !needed.has(scope) && !isBuiltIn(scope) && !(hasHasura && scope === 'hasura'))
}

/** Client scopes of every realm, which shape the token and grant nothing. */
const builtInScopes: ReadonlySet<string> = new Set([
  'openid',
  'profile',
  'email',
  'address',
  'phone',
  'roles',
  'web-origins',
  'acr',
  'basic',
  'microprofile-jwt',
  'organization',
  'service_account',
])
