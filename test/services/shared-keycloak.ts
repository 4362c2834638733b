import { inject } from 'vitest'
import type { KeycloakAccess } from './keycloak-admin.ts'
import './provided-services.ts'

/** The Keycloak that runs for the whole run; only suites named `*.keycloak.test.ts` may count on it. */
export function getSharedKeycloak(): KeycloakAccess {
  const keycloak = inject('keycloak')
  if (!keycloak) throw new Error('There is no Keycloak in this run; name the suite *.keycloak.test.ts')
  return keycloak
}
