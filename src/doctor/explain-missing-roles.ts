import type { ClaimsLocation } from '../account.ts'
import { alsoInScope } from '../auth/also-in-scope.ts'
import type { Claims } from '../auth/claims.ts'
import { builtInClients, findHasuraClaims } from '../auth/find-hasura-claims.ts'
import { isLightweight } from '../auth/lightweight-token.ts'
import { listNames } from '../names/list-names.ts'
import { type Finding, fail } from './check.ts'

/**
 * Narrows down why roles are missing by the rest of the token: none is assigned, roles of another client are, or no mapper writes
 * them into the claim. Pure.
 *
 * @returns undefined when the refusal already says all that is known
 */
export function explainMissingRoles(claims: Claims, location: ClaimsLocation): Finding | undefined {
  const { clientRoles, authorizedParty: client = '…' } = claims
  if ('map' in location || isLightweight(claims.payload)) return undefined
  const value = findHasuraClaims(claims, location)['x-hasura-allowed-roles']
  if (value !== undefined && !(Array.isArray(value) && value.length === 0)) return undefined
  const mapper = 'Client scopes → hasura → Mappers → x-hasura-allowed-roles (User Client Role, Multivalued on)'
  const assign = `assign a role of the application's client under Clients → ${client} → Service account roles`
  const held = Object.entries(clientRoles).filter(([name, roles]) => !builtInClients.has(name) && roles.length > 0)
  if (held.length > 0) {
    const shown = listNames(held.map(([name, roles]) => `client "${name}" (${listNames(roles)})`))
    return fail(
      `the claims have no x-hasura-allowed-roles, though the token has roles of ${shown}: either these belong to a client other than the application's, or the mapper is missing or reads another client`,
      `${assign}, or check the Client ID in ${mapper}`,
    )
  }
  if (Object.keys(clientRoles).length > 0) return undefined
  return fail(
    "the claims have no x-hasura-allowed-roles, and the token has no client roles: either no role is assigned, the application's client is disabled, or the client lacks the scope that adds them",
    `${assign}${alsoInScope(client)}; if it has one, enable the application's client, or give the client the default scope "roles" (Clients → ${client} → Client scopes) and check ${mapper}`,
  )
}
