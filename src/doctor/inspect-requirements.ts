import type { Requirement } from '../account.ts'
import { findRefusal, type Granted } from '../gate/requirement.ts'
import { listNames } from '../names/list-names.ts'
import { combine, type Finding, failWith, ok, warn } from './check.ts'
import { findSpare, type Needs } from './find-spare.ts'

/** Whether every job finds what it requires, and what is held that none of them has a use for; pure. */
export function inspectRequirements(
  needs: Needs,
  granted: Granted,
): { readonly scope: Finding; readonly jobRoles: Finding } {
  const refusals = needs.requirements.flatMap(requirement => findRefusal(requirement, granted) ?? [])
  const told = (code: 'scope' | 'job-roles') =>
    refusals.filter(refusal => refusal.code === code).map(refusal => failWith(refusal))
  const spare = findSpare(needs, granted)
  const client = granted.claims.authorizedParty ?? '…'
  const roles = listNames([...new Set(needs.requirements.flatMap(nameRoles))])
  const spareRoles = warn(
    `every job has what it requires (${roles}); no job needs ${listNames(spare.roles)}`,
    `take what isn't needed away under Clients → ${client} → Service account roles`,
  )
  const heldForLater = ok(`no job needs a role yet; held: ${listNames(spare.roles)}`)
  const granting = needs.scopes.length > 0 ? `granted: ${needs.scopes.join(', ')}` : 'none is asked for'
  const spareScopes = warn(
    `${granting}; no job needs ${listNames(spare.scopes)}`,
    `take it out of SCOPE, and away under Clients → ${client} → Client scopes; or let the jobs that rely on it require it`,
  )
  return {
    scope: combine(told('scope'), spare.scopes.length > 0 ? spareScopes : ok(granting)),
    jobRoles: combine(
      told('job-roles'),
      spare.roles.length > 0
        ? // In a new project the roles are those of the jobs to come.
          needs.requirements.some(requirement => requirement !== undefined)
          ? spareRoles
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
