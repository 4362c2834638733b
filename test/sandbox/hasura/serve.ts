// Runs the sandbox as a separate process: node test/sandbox/hasura/serve.ts --port 8080 --jwt-key <HS256 secret>
import { parseArgs } from 'node:util'
import { jwtConfigSchema } from './jwt-config.ts'
import { startHasura } from './start-hasura.ts'

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: process.env.PORT ?? '0' },
    'database-url': { type: 'string' },
    'jwt-key': { type: 'string' },
    'jwk-url': { type: 'string' },
    'claims-namespace': { type: 'string' },
    'claims-namespace-path': { type: 'string' },
    'claims-format': { type: 'string' },
    audience: { type: 'string' },
    issuer: { type: 'string' },
    'require-role-header': { type: 'boolean', default: false },
    'no-seed': { type: 'boolean', default: false },
    'stringify-numeric': { type: 'boolean', default: false },
  },
})

const databaseUrl = values['database-url'] ?? process.env.SANDBOX_DATABASE_URL
const given = {
  key: values['jwt-key'] ?? process.env.SANDBOX_JWT_KEY,
  jwkUrl: values['jwk-url'] ?? process.env.SANDBOX_JWK_URL,
  claimsNamespace: values['claims-namespace'],
  claimsNamespacePath: values['claims-namespace-path'],
  claimsFormat: values['claims-format'],
  audience: values.audience,
  issuer: values.issuer,
}
const jwt = jwtConfigSchema.parse(Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)))

const hasura = await startHasura({
  jwt,
  port: Number(values.port),
  requireRoleHeader: values['require-role-header'],
  seed: !values['no-seed'],
  stringifyNumeric: values['stringify-numeric'],
  ...(databaseUrl !== undefined && { databaseUrl }),
})
console.log(hasura.url)

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    void hasura[Symbol.asyncDispose]()
  })
}
