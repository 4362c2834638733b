import type { Account } from './account.ts'
import { type AccountChanges, createAccountRegistry } from './app/account-registry.ts'
import { checkAccountJobs } from './app/check-account-jobs.ts'
import { findJobFiles } from './app/find-job-files.ts'
import type { Clock } from './clock.ts'
import { type Config, type Environment, queueWithoutStore } from './config.ts'
import { ConfigError, renderExplanation, TransientError, WorkerError } from './errors.ts'
import type { FirstLoginOperations } from './gate/first-login.ts'
import { schemaFolder as committedSchemas } from './hasura/role-schema.ts'
import type { JobDefinition } from './jobs/define-job.ts'
import type { Log } from './log.ts'
import { openQueue } from './queue/request-queue.ts'
import { checkJobList } from './runs/check-jobs.ts'
import { startHeartbeat } from './runs/heartbeat.ts'
import type { RunDeps } from './runs/run-deps.ts'
import { type Database, openDatabase } from './store/open-database.ts'

/** What the outside gives to the app: nothing else in `src/` reaches for it. */
export interface Host {
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  readonly pid: number
  readonly readSecretFile: (path: string) => Promise<string>
  /** Where the settings of jobs are looked for. */
  readonly env: Environment
}

export interface App extends AsyncDisposable {
  readonly deps: RunDeps
  readonly database: Database
  /** Puts these in the place of all accounts; those that are the same keep their token and their rate limits. */
  replaceAccounts(accounts: readonly Account[]): AccountChanges
}

export interface Definitions {
  readonly jobs: readonly JobDefinition[]
  readonly firstLogin: FirstLoginOperations | undefined
  /** Where the SDL of each role is; default that of this checkout. */
  readonly schemaFolder?: URL
}

/**
 * Opens everything that running jobs needs, and closes it in reverse order.
 *
 * @param definitions undefined where no job is asked for, so that what happened can be looked at whatever is wrong with the jobs
 * @param isWorker whether it is going to take requests
 */
export async function openApp(
  config: Config,
  definitions: Definitions | undefined,
  host: Host,
  { isWorker = false }: { readonly isWorker?: boolean } = {},
): Promise<App> {
  const { clock, log, hostname, pid } = host
  const { jobs = [], firstLogin, schemaFolder = committedSchemas } = definitions ?? {}
  if (definitions) {
    await checkJobList(jobs, findJobFiles)
    checkAccountJobs(config.accounts, jobs)
  }
  const registry = createAccountRegistry({ ...host, isFile: config.accountsFile !== undefined })
  registry.replace(config.accounts)
  await using opened = new AsyncDisposableStack()
  const database = opened.use(await openStore(config, log))
  const { store } = database
  const location = config.redisUrl ? { redisUrl: config.redisUrl } : { pool: database.openQueuePool() }
  const queue = opened.use(await openQueue(location, { clock, log }))
  if (queue.warning) log.warn(renderExplanation(queue.warning))
  const heartbeat = opened.use(await startHeartbeat({ store, clock, log }, { host: hostname, pid, isWorker }))
  const deps: RunDeps = {
    store,
    queue,
    clock,
    log,
    processId: heartbeat.processId,
    leases: heartbeat.leases,
    jobs: new Map(jobs.map(job => [job.name, job])),
    accounts: registry.accounts,
    operations: firstLogin,
    schemaFolder,
    settings: host,
  }
  const closing = opened.move()
  return {
    deps,
    database,
    replaceAccounts: replacement => registry.replace(replacement),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

async function openStore(config: Config, log: Log): Promise<Database> {
  const location = locateDatabase(config)
  try {
    return await openDatabase(location, log)
  } catch (error) {
    if (error instanceof WorkerError || !('databaseUrl' in location)) throw error
    throw explainFailure(error, new URL(location.databaseUrl))
  }
}

/** The driver's message isn't told, which may repeat the address with its password. */
function explainFailure(error: unknown, { host, pathname }: URL): WorkerError {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : 'no code'
  const what = `Postgres at ${host}`
  // SQLSTATE classes: 28 refuses the login, 3D knows no such database, 42501 lacks a privilege.
  if (code.startsWith('28')) {
    return new ConfigError([
      { found: `${what} refused the login (${code})`, remedy: 'check user and password in DATABASE_URL' },
    ])
  }
  if (code.startsWith('3D')) {
    return new ConfigError([
      { found: `${what} has no database "${pathname.slice(1)}" (${code})`, remedy: 'create it, or mend DATABASE_URL' },
    ])
  }
  if (code === '42501') {
    return new ConfigError([
      {
        found: `${what} refused a privilege (${code})`,
        remedy: 'the user of DATABASE_URL must be able to create schemas',
      },
    ])
  }
  return new TransientError(
    'store',
    { found: `${what} can not be used (${code})`, remedy: 'check that it runs and that DATABASE_URL names it' },
    { cause: error },
  )
}

function locateDatabase(config: Config): { databaseUrl: string } | { dataDir: string } {
  if (config.databaseUrl) return { databaseUrl: config.databaseUrl }
  if (config.redisUrl) {
    throw new ConfigError([queueWithoutStore])
  }
  return { dataDir: config.dataDir }
}
