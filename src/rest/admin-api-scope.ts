import type { Requirement } from '../account.ts'

/** Since Keycloak 26.8.2, the Admin API rejects tokens without this client scope. Older realms don't have it. */
export const adminApiScope = 'kc-admin-api'

/** Whether jobs with these requirements may use the Admin API; extensions of Keycloak have roles of its client too. */
export function mayUseAdminApi(requirements: readonly (Requirement | undefined)[]): boolean {
  return requirements.some(each => each && 'clientRoles' in each && 'realm-management' in each.clientRoles)
}

/**
 * What to do if the Admin API rejects a fresh token as well.
 *
 * @param client whose token it is
 */
export function mendRejection(client: string): string {
  return `make client scope "${adminApiScope}", which Keycloak 26.8.2 and later require, a default scope of ${client} (Clients → the client → Client scopes → Add client scope), and check the clocks of both machines`
}
