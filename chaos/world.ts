import { execFile } from 'node:child_process'
import { existsSync, globSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { copyProject } from '../test/fixtures/copy-project.ts'
import { mainPath } from '../test/fixtures/wiki-project.ts'
import { type SandboxHasura, startHasura } from '../test/sandbox/hasura/start-hasura.ts'
import { type IdentityProvider, startIdentityProvider } from '../test/sandbox/identity/start-identity-provider.ts'
import type { ServiceHandle } from '../test/services/local-service.ts'
import { startPostgres } from '../test/services/start-postgres.ts'
import { startRedis } from '../test/services/start-redis.ts'
import { type FaultProxy, openProxy } from './proxy.ts'
import { type ChaosReceiver, openReceiver } from './receiver.ts'
import { type ChaosStore, openEmbeddedStore, openServerStore } from './store.ts'

export const backends = ['redis', 'postgres', 'embedded'] as const
export type Backend = (typeof backends)[number]

/** Each account's slots; `busy` is the account with bursts. */
const accounts: Readonly<Record<string, { readonly concurrentRuns: number }>> = {
  north: { concurrentRuns: 4 },
  south: { concurrentRuns: 3 },
  busy: { concurrentRuns: 2 },
}

/** The servers that workers use, each behind its own proxy. */
export interface World extends AsyncDisposable {
  readonly backend: Backend
  /** A copy of this checkout with the harness's jobs. */
  readonly project: string
  readonly folder: string
  readonly accountNames: readonly string[]
  readonly store: ChaosStore
  readonly redis: ServiceHandle | undefined
  readonly issuer: IdentityProvider
  readonly api: SandboxHasura
  /** Between the workers and the issuer, and between the workers and the API. */
  readonly issuerProxy: FaultProxy
  readonly apiProxy: FaultProxy
  /** Of the workers' webhooks. */
  readonly receiver: ChaosReceiver
  /** Queries the store as superuser, bypassing the proxies. */
  readonly onStore: ChaosStore['query']
  /** The API's own database, for writers. */
  readonly apiPool: pg.Pool
  /** A bearer token of a caller who may request jobs. */
  callerToken(): Promise<string>
  /** The environment that all workers share. */
  readonly environment: Readonly<Record<string, string>>
  secretFile(account: string): string
  /** The path of libfaketime, to be preloaded; undefined if it isn't installed. */
  readonly timeLibrary: string | undefined
}

const caller = { clientId: 'caller', clientSecret: crypto.randomUUID() }
const audience = 'chaos-http'
const callerRole = 'request-jobs'
/** Short, so that workers need the issuer all the time. */
const tokenLifetimeSeconds = 20

export async function openWorld(backend: Backend, log: (text: string) => void): Promise<World> {
  await using opened = new AsyncDisposableStack()
  const folder = await mkdtemp(join(tmpdir(), 'hasura-sync-worker-chaos-'))
  opened.defer(() => rm(folder, { recursive: true, force: true }))
  const project = await openProject(folder)

  const clients = Object.keys(accounts).map(name => ({
    clientId: name,
    clientSecret: crypto.randomUUID(),
    roles: ['viewer'],
    email: `${name}@wiki.example`,
  }))
  const issuer = opened.use(
    await startIdentityProvider({
      tokenLifetimeSeconds,
      clients: [...clients, { ...caller, realmRoles: [callerRole], audience: [audience], hasuraScope: false }],
    }),
  )
  const issuerProxy = opened.use(await openProxy(portOf(issuer.issuer)))

  log(backend === 'embedded' ? 'embedded: one worker' : 'starting Postgres (fsync = on)')
  const store = opened.use(backend === 'embedded' ? await openEmbeddedStore(folder) : await openServerStore())
  const redis = backend === 'redis' ? opened.use(await startRedis()) : undefined
  const apiPostgres = opened.use(await startPostgres())
  const api = opened.use(
    await startHasura({
      jwt: { jwkUrl: issuer.jwksUrl, issuer: issuer.issuer },
      requireRoleHeader: true,
      databaseUrl: apiPostgres.url,
    }),
  )
  const apiProxy = opened.use(await openProxy(portOf(api.url)))
  const apiPool = new pg.Pool({ connectionString: apiPostgres.url, max: 8 })
  apiPool.on('error', () => {})
  opened.defer(() => apiPool.end())

  const receiver = opened.use(await openReceiver())

  const secrets = join(folder, 'secrets')
  await mkdir(secrets)
  const secretFile = (account: string): string => join(secrets, account)
  for (const { clientId, clientSecret } of clients) await writeFile(secretFile(clientId), clientSecret)
  const accountsFile = join(folder, 'accounts.json')
  const through = (url: string, { port }: FaultProxy): string => {
    const changed = new URL(url)
    changed.port = String(port)
    return changed.href
  }
  await writeFile(
    accountsFile,
    JSON.stringify({
      accounts: Object.entries(accounts).map(([name, { concurrentRuns }]) => ({
        name,
        oidcIssuer: issuer.issuer,
        tokenUrl: through(issuer.tokenUrl, issuerProxy),
        clientId: name,
        clientSecretFile: secretFile(name),
        hasuraUrl: through(api.url, apiProxy),
        limits: { concurrentRuns },
      })),
    }),
  )
  const environment = {
    ACCOUNTS_FILE: accountsFile,
    HTTP_ISSUER: issuer.issuer,
    HTTP_JWKS_URL: through(issuer.jwksUrl, issuerProxy),
    HTTP_AUDIENCE: audience,
    HTTP_ROLE: callerRole,
    LOG_LEVEL: 'debug',
    ...receiver.environment,
  }

  // The triggers need the worker's tables.
  await promisify(execFile)(process.execPath, [mainPath, 'migrate'], {
    cwd: project,
    env: { PATH: process.env.PATH, ...environment, ...store.variables(undefined) },
  })
  await store.prepare(slotsOf(accounts))

  const closing = opened.move()
  return {
    backend,
    project,
    folder,
    accountNames: Object.keys(accounts),
    store,
    redis,
    issuer,
    api,
    issuerProxy,
    apiProxy,
    receiver,
    apiPool,
    onStore: store.query,
    callerToken: () => issuer.issueToken(caller.clientId),
    environment,
    secretFile,
    timeLibrary: findTimeLibrary(),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

function slotsOf(given: typeof accounts): Record<string, number> {
  return Object.fromEntries(Object.entries(given).map(([name, { concurrentRuns }]) => [name, concurrentRuns]))
}

/** The list of jobs is what the engine takes from a project. */
async function openProject(folder: string): Promise<string> {
  const project = await copyProject(folder)
  const list = new URL('jobs/list.ts', import.meta.url)
  await writeFile(join(project, 'src/jobs/list.ts'), `export { jobs } from '${list}'\n`)
  return project
}

export function portOf(url: string): () => number {
  const port = Number(new URL(url).port)
  return () => port
}

function findTimeLibrary(): string | undefined {
  const path = '/usr/lib/*/faketime/libfaketimeMT.so.1'
  return globSync(path).find(file => existsSync(file))
}
