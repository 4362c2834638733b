import type { Requirement } from '../account.ts'
import { alsoInScope } from '../auth/also-in-scope.ts'
import type { Claims } from '../auth/claims.ts'
import { type HasuraClaims, inBothMaps } from '../auth/hasura-claims.ts'
import { explainLightweight } from '../auth/lightweight-token.ts'
import { RefusalError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { listNames } from '../names/list-names.ts'
import { ownValue } from '../names/own-value.ts'

/** The parts of the token that a job may rely on. */
export interface Granted {
  readonly claims: Claims
  /** Absent for an account without Hasura. */
  readonly hasura: HasuraClaims | undefined
}

/** @returns a refusal with what was found and what is required, or undefined when the requirement is met */
export function findRefusal(requirement: Requirement | undefined, granted: Granted): RefusalError | undefined {
  if (!requirement) return undefined
  if ('role' in requirement) return findMissingRole(requirement.role, granted)
  if ('scopes' in requirement) return findMissingScope(requirement.scopes, granted.claims)
  return findMissingClientRole(requirement.clientRoles, granted.claims)
}

function findMissingRole(role: string, { claims, hasura }: Granted): RefusalError | undefined {
  if (!hasura) {
    return refuse('job-roles', {
      found: `Role "${role}" is required, but the account has no Hasura endpoint`,
      remedy: 'set HASURA_URL',
    })
  }
  if (hasura.allowedRoles.includes(role)) return undefined
  return refuse('job-roles', {
    found: `Role "${role}" is not in the token's allowed roles (${listNames(hasura.allowedRoles)})`,
    remedy: hasura.areRolesFixed
      ? `add it to x-hasura-allowed-roles ${inBothMaps}`
      : advise(role, hasura.allowedRoles, claims),
  })
}

function advise(role: string, allowedRoles: readonly string[], claims: Claims): string {
  const own = claims.authorizedParty ?? claims.subject
  const source = findSourceOfRoles(allowedRoles, claims)
  if (source && !ownValue(claims.clientRoles, source)?.includes(role)) {
    return `assign it to the service account in client "${source}"${alsoInScope(own)}`
  }
  const holder = Object.keys(claims.clientRoles).find(client => ownValue(claims.clientRoles, client)?.includes(role))
  return holder
    ? `the token holds it for client "${holder}", so check which client the mapper of "x-hasura-allowed-roles" reads`
    : `assign it to the service account of client "${own}"${alsoInScope(own)}`
}

/** The only client whose roles in the token include all allowed roles: the mapper must read that one. */
function findSourceOfRoles(allowedRoles: readonly string[], claims: Claims): string | undefined {
  const sources = Object.entries(claims.clientRoles)
    .filter(([, roles]) => allowedRoles.length > 0 && allowedRoles.every(role => roles.includes(role)))
    .map(([client]) => client)
  return sources.length === 1 ? sources[0] : undefined
}

function findMissingScope(scopes: readonly string[], claims: Claims): RefusalError | undefined {
  const missing = scopes.filter(scope => !claims.scopes.includes(scope))
  if (missing.length === 0) return undefined
  return refuse('scope', {
    found: `Scope ${listNames(missing)} is not among the token's scopes (${listNames(claims.scopes)})`,
    remedy: "add it to the client's client scopes and to SCOPE",
  })
}

function findMissingClientRole(
  wanted: Readonly<Record<string, readonly string[]>>,
  claims: Claims,
): RefusalError | undefined {
  const own = claims.authorizedParty ?? claims.subject
  for (const [client, roles] of Object.entries(wanted)) {
    const held = ownValue(claims.clientRoles, client) ?? []
    const missing = roles.filter(role => !held.includes(role))
    if (missing.length > 0) {
      const place = 'client roles under Client scopes → roles → Mappers'
      const lightweight = explainLightweight(claims, `role ${listNames(missing)} of client "${client}"`, place)
      if (lightweight && claims.payload.resource_access === undefined) return refuse('job-roles', lightweight)
      const hasRoles = Object.keys(claims.clientRoles).length > 0
      const scope = hasRoles
        ? ''
        : `; if it is assigned, give the client the default scope "roles" (Clients → ${own} → Client scopes)`
      return refuse('job-roles', {
        found: `Role ${listNames(missing)} of client "${client}" is not in the token (it holds ${listNames(held)})`,
        remedy: `assign it under Clients → ${own} → Service account roles${alsoInScope(own)}${scope}`,
      })
    }
  }
  return undefined
}

function refuse(code: 'job-roles' | 'scope', told: Explanation): RefusalError {
  return new RefusalError(code, 'job', told)
}
