import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { z } from 'zod'
import { startIdentityProvider } from './start-identity-provider.ts'

// node test/sandbox/identity/serve.ts [--port 8180] [--clients clients.json]
// Prints the issuer, then serves until SIGINT or SIGTERM.

const clientsSchema = z.array(
  z.strictObject({
    clientId: z.string(),
    clientSecret: z.string(),
    subject: z.uuid().exactOptional(),
    roles: z.array(z.string()).exactOptional(),
    defaultRole: z.string().exactOptional(),
    realmRoles: z.array(z.string()).exactOptional(),
    audience: z.array(z.string()).exactOptional(),
    hasuraScope: z.boolean().exactOptional(),
    email: z.string().exactOptional(),
    emailVerified: z.boolean().exactOptional(),
    refreshTokens: z.boolean().exactOptional(),
    serviceAccount: z.boolean().exactOptional(),
    enabled: z.boolean().exactOptional(),
  }),
)

const DEFAULT_CLIENTS = [
  { clientId: 'sync-worker', clientSecret: 'sync-worker-secret', roles: ['viewer'], email: 'serviceaccount@local' },
]

const { values } = parseArgs({ options: { port: { type: 'string' }, clients: { type: 'string' } } })
await using identityProvider = await startIdentityProvider({
  clients: values.clients ? clientsSchema.parse(JSON.parse(await readFile(values.clients, 'utf8'))) : DEFAULT_CLIENTS,
  port: Number(values.port ?? 0),
})
process.stdout.write(`${identityProvider.issuer}\n`)
await Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
