import type { Account } from '../account.ts'
import { parseJsonPath } from '../auth/json-path.ts'
import { findMappedPath } from '../auth/map-claims.ts'
import type { Obstacle } from './step.ts'

/** Where HASURA_CLAIMS_MAP takes the account's allowed roles from. */
export type MappedRoles =
  /** The roles of a client, as Keycloak writes them into every token. */
  | { readonly client: string }
  /** Another place, which provision doesn't set up. */
  | { readonly path: string }
  /** The map itself. */
  | 'map'

/** Undefined for an account whose roles are in Hasura's claims. */
export function findMappedRoles({ hasura }: Account): MappedRoles | undefined {
  if (!hasura || !('map' in hasura.claims)) return undefined
  const path = findMappedPath(hasura.claims.map, 'x-hasura-allowed-roles')
  if (path === undefined) return 'map'
  const [access, client, roles, ...more] = parseJsonPath(path) ?? []
  const isClients = access === 'resource_access' && client !== undefined && roles === 'roles' && more.length === 0
  return isClients ? { client } : { path }
}

/** Where to assign roles that provision can't. */
export function explainMappedRoles(path: string, clientId: string, roles: readonly string[]): Obstacle {
  const isRealm = parseJsonPath(path)?.join('.') === 'realm_access.roles'
  const names = roles.join(', ')
  return {
    check: 'allowed-roles',
    found: `HASURA_CLAIMS_MAP takes the roles from ${path}, where provision writes none`,
    advice: isRealm
      ? `assign ${names || 'them'} under Clients → ${clientId} → Service account roles → Assign role → Realm roles`
      : `let a mapper of the client write ${names || 'them'} there; if one already writes a client's roles there, name that client to provision with --client`,
    isSuspected: true,
  }
}
