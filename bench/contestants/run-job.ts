import { z } from 'zod'
import { openApp } from '../../src/app/app.ts'
import { parseConfig } from '../../src/config/config.ts'
import type { JobDefinition } from '../../src/definitions/define-job.ts'
import { createLog } from '../../src/log.ts'
import { createLocalOperations } from '../../src/operations/local-operations.ts'
import { createHost } from './create-host.ts'
import { report } from './report.ts'

/** What the bench gives to each contestant that is a worker. */
export const workerOptions = z.object({
  issuer: z.string(),
  clientId: z.string(),
  clientSecret: z.string(),
  url: z.string(),
  databaseUrl: z.string(),
})

/** One run of a job in the real app, like the command `run`. Its time starts at the gate and ends when the run is recorded. */
export async function runJob(options: z.infer<typeof workerOptions>, job: JobDefinition): Promise<void> {
  const config = parseConfig({
    DATABASE_URL: options.databaseUrl,
    OIDC_ISSUER: options.issuer,
    CLIENT_ID: options.clientId,
    CLIENT_SECRET: options.clientSecret,
    HASURA_URL: options.url,
  })
  await using app = await openApp(config, { jobs: [job], firstLogin: undefined }, createHost(createLog('warn')))
  const startedAt = performance.now()
  const result = await createLocalOperations(app).run({ job: job.name })
  const seconds = (performance.now() - startedAt) / 1000
  report({ seconds, rows: ('counts' in result && result.counts?.read) || 0 })
}
