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
import { openQueue, type RequestQueue } from './queue/request-queue.ts'
import { checkJobList } from './runs/check-jobs.ts'
import { startHeartbeat } from './runs/heartbeat.ts'
import type { RunDeps } from './runs/run-deps.ts'
import { inspectDatabase } from './store/inspect-database.ts'
import { type Database, openDatabase } from './store/open-database.ts'
import { explainPostgresFailure } from './store/postgres-failure.ts'

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
  const queue = opened.use(await openOwnQueue(config, database, host))
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

async function openOwnQueue(
  config: Config,
  database: Database,
  deps: Pick<Host, 'clock' | 'log'>,
): Promise<RequestQueue> {
  if (config.redisUrl) return openQueue({ redisUrl: config.redisUrl }, deps)
  try {
    return await openQueue({ pool: database.openQueuePool() }, deps)
  } catch (error) {
    if (error instanceof WorkerError || !config.databaseUrl) throw error
    throw await explainStart(error, config.databaseUrl, config)
  }
}

async function openStore(config: Config, log: Log): Promise<Database> {
  const location = locateDatabase(config)
  try {
    return await openDatabase(location, log)
  } catch (error) {
    if (error instanceof ConfigError || !('databaseUrl' in location)) throw error
    throw await explainStart(error, location.databaseUrl, config)
  }
}

/** Of what the user may not do, everything that is missing is told, as `doctor` tells it. */
async function explainStart(error: unknown, databaseUrl: string, config: Config): Promise<WorkerError> {
  const cause = error instanceof TransientError ? error.cause : error
  if (error instanceof WorkerError && cause === undefined) return error
  const failure = explainPostgresFailure(cause, `Postgres at ${new URL(databaseUrl).host}`)
  if (failure.code === '42501') {
    const found = await inspectDatabase(databaseUrl, { hasQueue: !config.redisUrl })
    if (found.problem) return new ConfigError([found.problem])
  }
  return failure.isConfiguration ? new ConfigError([failure]) : new TransientError('store', failure, { cause })
}

function locateDatabase(config: Config): { databaseUrl: string } | { dataDir: string } {
  if (config.databaseUrl) return { databaseUrl: config.databaseUrl }
  if (config.redisUrl) {
    throw new ConfigError([queueWithoutStore])
  }
  return { dataDir: config.dataDir }
}
