import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseEnv } from 'node:util'
import { type SandboxHasura, startHasura } from '../hasura/start-hasura.ts'
import { type IdentityProvider, startIdentityProvider } from '../identity/start-identity-provider.ts'

export const workerClient = 'sync-worker'
/** The other service, which requests runs over HTTP. */
export const callerClient = { clientId: 'intranet', clientSecret: 'intranet-secret' }
/** Short, so that the demo needn't wait five minutes until a revoked role is missing from a token. */
export const tokenLifetimeSeconds = 6

const secret = crypto.randomUUID()
const audience = 'sync-worker-http'
const callerRole = 'sync-requester'
/** How long a new account's user stays invisible after `refresh_users`, in milliseconds. */
const refreshDelayMs = 1_000
/** Simulates network latency, so that a long read can be watched. */
const pageLatencyMs = 60

export interface Sandbox extends AsyncDisposable {
  readonly identity: IdentityProvider
  readonly hasura: SandboxHasura
  readonly dataDir: string
  /** Holds what the worker is started with, for a shell to read. */
  readonly environmentFile: string
  /** The public variables and nothing else. */
  readonly environment: Readonly<Record<string, string>>
}

/** Everything outside the worker, on free ports of this machine and in a temporary folder. */
export async function openSandbox(options: {
  readonly workerPort: number
  readonly wrongSecret: boolean
}): Promise<Sandbox> {
  await using opened = new AsyncDisposableStack()
  const identity = opened.use(
    await startIdentityProvider({
      tokenLifetimeSeconds,
      clients: [
        {
          clientId: workerClient,
          clientSecret: secret,
          roles: ['viewer', 'auditor'],
          email: 'sync-worker@wiki.example',
        },
        { ...callerClient, realmRoles: [callerRole], audience: [audience], hasuraScope: false },
      ],
    }),
  )
  const hasura = opened.use(
    await startHasura({ jwt: { jwkUrl: identity.jwksUrl, issuer: identity.issuer }, requireRoleHeader: true }),
  )
  hasura.setRefreshDelay(refreshDelayMs)
  hasura.fault({ operationName: 'PullArticles' }, { kind: 'latency', ms: pageLatencyMs })
  await addManyArticles(hasura)

  const folder = await mkdtemp(join(tmpdir(), 'sync-demo-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const secretFile = join(folder, 'secret')
  await writeFile(secretFile, options.wrongSecret ? 'not-the-secret' : secret, { mode: 0o600 })
  const environment = {
    OIDC_ISSUER: identity.issuer,
    CLIENT_ID: workerClient,
    CLIENT_SECRET_FILE: secretFile,
    HASURA_URL: hasura.url,
    DATA_DIR: join(folder, 'data'),
    PORT: String(options.workerPort),
    HTTP_ISSUER: identity.issuer,
    HTTP_AUDIENCE: audience,
    HTTP_ROLE: callerRole,
  }
  const environmentFile = join(folder, 'env')
  const lines = Object.entries({ ...(await blankOwnSettings()), ...environment }).map(
    ([name, value]) => `export ${name}='${value}'\n`,
  )
  await writeFile(environmentFile, lines.join(''))
  const closing = opened.move()
  return {
    identity,
    hasura,
    dataDir: environment.DATA_DIR,
    environmentFile,
    environment,
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** A `.env` in this folder is for another worker: an empty variable takes precedence over it, and has no effect. */
async function blankOwnSettings(): Promise<Record<string, string>> {
  const text = await readFile('.env', 'utf8').catch(() => '')
  return Object.fromEntries(Object.keys(parseEnv(text)).map(name => [name, '']))
}

/** Old rows, so that only the demo's changes are new. */
async function addManyArticles(hasura: SandboxHasura): Promise<void> {
  await hasura.sql(`
    insert into public.articles (topic_id, title, status, revision, created_at, updated_at)
    select ('b0000000-0000-4000-8000-' || lpad((n % 12 + 1)::text, 12, '0'))::uuid, 'Archive ' || n, 'published', n,
      timestamptz '2025-03-01 00:00:00+00', timestamptz '2025-09-01 00:00:00+00' + n * interval '1 second'
    from generate_series(1, 1500) as n`)
}
