import { PermanentError } from '../errors.ts'

/**
 * Refuses a parameter that the URL parser would take for a step to another object: `users.del({ id: '..' })` would delete the realm.
 * `@keycloak/keycloak-admin-client` encodes everything else.
 *
 * @param name of the request, for the message
 * @param given the method's first parameter, from which the client takes the parts of the path
 * @throws PermanentError (`path`)
 */
export function requirePathParts(name: string, given: unknown): void {
  if (typeof given !== 'object' || given === null) return
  for (const [part, value] of Object.entries(given)) {
    if (pathParts.has(part) && (value === '.' || value === '..')) {
      throw new PermanentError('path', {
        found: `${name} got "${value}" as ${part}, which would lead to another object`,
        remedy: 'check where the job gets it from',
      })
    }
  }
}

/** The variables in the client's paths. */
const pathParts: ReadonlySet<string> = new Set(
  `
  alias attr client clientId clientScopeId clientUniqueId credentialId credentialScopeName federatedIdentityId flow
  flowId groupId id invitationId key locale mapperId name newPreviousCredentialId node orgId parentId path permissionId
  policyId protocol providerId realm resourceId resourceName roleContainer roleId roleName scopeId selectedLocale
  session sessionId themeType token type userId
  `
    .trim()
    .split(/\s+/),
)
