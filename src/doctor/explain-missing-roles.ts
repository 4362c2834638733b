import type { ClaimsLocation } from '../account.ts'
import type { Claims } from '../auth/claims.ts'
import { findHasuraClaims } from '../auth/find-hasura-claims.ts'
import { isLightweight } from '../auth/lightweight-token.ts'
import { listNames } from '../names/list-names.ts'
import { type Finding, fail } from './check.ts'

/**
 * Which of the causes of missing roles the rest of the token leaves open: none is assigned, those of another client are, or
 * nothing writes them into the claim. Pure.
 *
 * @returns undefined where the refusal's own words say all that can be known
 */
export function explainMissingRoles(claims: Claims, location: ClaimsLocation): Finding | undefined {
  const { clientRoles, authorizedParty: client = '…' } = claims
  if ('map' in location || isLightweight(claims.payload)) return undefined
  const value = findHasuraClaims(claims, location)['x-hasura-allowed-roles']
  if (value !== undefined && !(Array.isArray(value) && value.length === 0)) return undefined
  const mapper = 'Client scopes → hasura → Mappers → x-hasura-allowed-roles (User Client Role, Multivalued on)'
  const assign = `assign a role of the application's client under Clients → ${client} → Service account roles`
  const held = Object.entries(clientRoles).filter(([name, roles]) => !ownClients.has(name) && roles.length > 0)
  if (held.length > 0) {
    const shown = listNames(held.map(([name, roles]) => `client "${name}" (${listNames(roles)})`))
    return fail(
      `the claims have no x-hasura-allowed-roles, though the token shows roles of ${shown}: either they are roles of another client than the application's, or the mapper is missing or reads another client`,
      `${assign}, or compare the Client ID in ${mapper}`,
    )
  }
  if (Object.keys(clientRoles).length > 0) return undefined
  return fail(
    'the claims have no x-hasura-allowed-roles, and the token shows no client roles at all: either no role is assigned, or the client may not pass them on',
    `${assign}; if it has one, give the client the default scope "roles" (Clients → ${client} → Client scopes) and look at ${mapper}`,
  )
}

/** Clients of every Keycloak realm, whose roles are no application's. */
const ownClients: ReadonlySet<string> = new Set(['account', 'broker', 'realm-management'])
