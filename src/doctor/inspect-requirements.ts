import type { Requirement } from '../account.ts'
import { findUnusedGrants, type Needs } from '../gate/find-unused-grants.ts'
import { findRefusal, type Granted } from '../gate/requirement.ts'
import { listNames } from '../names/list-names.ts'
import { combine, type Finding, failWith, ok, warn } from './check.ts'

/** Checks whether the token grants what every job requires, and reports unused grants; pure. */
export function inspectRequirements(
  needs: Needs,
  granted: Granted,
): { readonly scope: Finding; readonly jobRoles: Finding } {
  const refusals = needs.requirements.flatMap(requirement => findRefusal(requirement, granted) ?? [])
  const told = (code: 'scope' | 'job-roles') =>
    refusals.filter(refusal => refusal.code === code).map(refusal => failWith(refusal))
  const unused = findUnusedGrants(needs, granted)
  const client = granted.claims.authorizedParty ?? '…'
  const roles = listNames([...new Set(needs.requirements.flatMap(nameRoles))])
  const unusedRoles = warn(
    `every job has what it requires (${roles}); no job needs ${listNames(unused.roles)}`,
    `remove the unused roles under Clients → ${client} → Service account roles`,
  )
  const heldForLater = ok(`no job needs a role yet; granted: ${listNames(unused.roles)}`)
  const granting = needs.scopes.length > 0 ? `granted: ${needs.scopes.join(', ')}` : 'no scope is requested'
  const unusedScopes = warn(
    `${granting}; no job needs ${listNames(unused.scopes)}`,
    `remove it from SCOPE and under Clients → ${client} → Client scopes, or add it to the requirement of the jobs that use it`,
  )
  return {
    scope: combine(told('scope'), unused.scopes.length > 0 ? unusedScopes : ok(granting)),
    jobRoles: combine(
      told('job-roles'),
      unused.roles.length > 0
        ? // In a new project the roles are meant for jobs still to be written.
          needs.requirements.some(requirement => requirement !== undefined)
          ? unusedRoles
          : heldForLater
        : ok(roles === 'none' ? 'no job needs a role' : `every job has its role (${roles})`),
    ),
  }
}

function nameRoles(requirement: Requirement | undefined): readonly string[] {
  if (!requirement || 'scopes' in requirement) return []
  if ('role' in requirement) return [requirement.role]
  return Object.entries(requirement.clientRoles).flatMap(([client, roles]) => roles.map(role => `${role} of ${client}`))
}
