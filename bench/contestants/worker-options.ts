import { z } from 'zod'
import { type Config, parseConfig } from '../../src/config/config.ts'

/** What the bench gives to each contestant that is a worker. */
export const workerOptions = z.object({
  issuer: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  url: z.string(),
  databaseUrl: z.string(),
})

export type WorkerOptions = z.infer<typeof workerOptions>

export function configOf(options: WorkerOptions & { readonly redisUrl?: string }): Config {
  return parseConfig({
    DATABASE_URL: options.databaseUrl,
    REDIS_URL: options.redisUrl,
    OIDC_ISSUER: options.issuer,
    CLIENT_ID: options.clientId,
    CLIENT_SECRET: options.clientSecret,
    HASURA_URL: options.url,
  })
}
