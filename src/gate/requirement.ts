import type { Requirement } from '../account.ts'
import type { Claims, HasuraClaims } from '../auth/claims.ts'
import { RefusalError } from '../errors.ts'

/** What of the token a job is about to rely on. */
export interface Granted {
  readonly claims: Claims
  /** Absent for an account without Hasura. */
  readonly hasura: HasuraClaims | undefined
}

/** @returns the refusal that names what was found and what was needed, or undefined when the requirement is met */
export function findRefusal(requirement: Requirement | undefined, granted: Granted): RefusalError | undefined {
  if (!requirement) return undefined
  if ('role' in requirement) return findMissingRole(requirement.role, granted)
  if ('scopes' in requirement) return findMissingScope(requirement.scopes, granted.claims)
  return findMissingClientRole(requirement.clientRoles, granted.claims)
}

function findMissingRole(role: string, { claims, hasura }: Granted): RefusalError | undefined {
  if (!hasura) {
    return refuse('job-roles', `Role "${role}" is needed, but the account has no Hasura endpoint: set HASURA_URL`)
  }
  if (hasura.allowedRoles.includes(role)) return undefined
  const holder = Object.keys(claims.clientRoles).find(client => claims.clientRoles[client]?.includes(role))
  const advice = holder
    ? `the token holds it for client "${holder}", so check which client the mapper of "x-hasura-allowed-roles" reads`
    : `assign it to the service account of client "${claims.authorizedParty ?? claims.subject}"${placeOf(claims)}`
  return refuse(
    'job-roles',
    `Role "${role}" is not in the token's allowed roles (${list(hasura.allowedRoles)}): ${advice}`,
  )
}

/** The client whose roles the token shows is the one where the missing role is to be assigned. */
function placeOf(claims: Claims): string {
  const clients = Object.keys(claims.clientRoles).filter(client => client !== 'account')
  return clients.length === 1 ? ` in client "${clients[0]}"` : ''
}

function findMissingScope(scopes: readonly string[], claims: Claims): RefusalError | undefined {
  const missing = scopes.filter(scope => !claims.scopes.includes(scope))
  if (missing.length === 0) return undefined
  return refuse(
    'scope',
    `Scope ${list(missing)} is not among the token's scopes (${list(claims.scopes)}): add it to the client's scopes and to SCOPE`,
  )
}

function findMissingClientRole(
  wanted: Readonly<Record<string, readonly string[]>>,
  claims: Claims,
): RefusalError | undefined {
  for (const [client, roles] of Object.entries(wanted)) {
    const held = claims.clientRoles[client] ?? []
    const missing = roles.filter(role => !held.includes(role))
    if (missing.length > 0) {
      return refuse(
        'job-roles',
        `Role ${list(missing)} of client "${client}" is not in the token (it holds ${list(held)}): assign it to the service account of client "${claims.authorizedParty ?? claims.subject}"`,
      )
    }
  }
  return undefined
}

function refuse(code: 'job-roles' | 'scope', message: string): RefusalError {
  return new RefusalError(code, 'job', message)
}

function list(names: readonly string[]): string {
  return names.length > 0 ? names.join(', ') : 'none'
}
