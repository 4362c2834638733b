declare module 'vitest' {
  // What the global setup hands to every test file.
  interface ProvidedContext {
    redisUrl: string | undefined
    /** False where TEST_REDIS_URL names a server that isn't ours to empty. */
    ownsRedis: boolean
    databaseUrl: string | undefined
    keycloak: { url: string; adminName: string; adminPassword: string } | undefined
  }
}

export type {}
