import type { KeycloakAccess } from './keycloak-admin.ts'

declare module 'vitest' {
  // What the global setup hands to every test file.
  interface ProvidedContext {
    /** For what one test file makes and others take. */
    sharedFolder: string
    redisUrl: string | undefined
    /** False where TEST_REDIS_URL names a server that isn't ours to empty. */
    ownsRedis: boolean
    databaseUrl: string | undefined
    keycloak: KeycloakAccess | undefined
  }
}
