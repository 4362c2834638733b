import type { Account } from '../account.ts'
import { type Config, type Environment, queueWithoutStore } from '../config/config.ts'
import { type Project, schemaFolderOf } from '../config/project.ts'
import { checkJobList } from '../definitions/check-jobs.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConfigError, TransientError, WorkerError } from '../errors.ts'
import type { FirstLoginDefinition } from '../gate/first-login.ts'
import type { Log } from '../log.ts'
import { createLogObserver } from '../observer/log-observer.ts'
import type { Observer } from '../observer/observer.ts'
import { tellAll } from '../observer/tell-all.ts'
import { startProcess } from '../process/process.ts'
import { openTickets, type Tickets } from '../queue/tickets.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { createWaker, type Waker } from '../serving/waker.ts'
import { inspectDatabase } from '../store/inspect-database.ts'
import { type Database, type DatabaseLocation, openDatabase } from '../store/open-database.ts'
import { explainPostgresFailure, namePostgres } from '../store/postgres-failure.ts'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { type AccountChanges, createAccountRegistry } from './account-registry.ts'
import { checkAccountJobs } from './check-account-jobs.ts'
import { findJobFiles } from './find-job-files.ts'

/** The app's only access to the outside: nothing else in `src/` uses globals of the process. */
export interface Host {
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  readonly pid: number
  /** The user that this process runs as; undefined on systems without user ids. */
  readonly uid: number | undefined
  readonly readSecretFile: (path: string) => Promise<string>
  readonly project: Project
  /** The environment for settings of jobs. */
  readonly env: Environment
  /** Observers besides the log; default: none. */
  readonly observers?: readonly Partial<Observer>[]
}

export interface App extends AsyncDisposable {
  readonly deps: RunDeps
  readonly database: Database
  readonly waker: Waker
  /** Set if the queue is on Redis. */
  readonly tickets: Tickets | undefined
  /** Replaces all accounts. Unchanged ones keep their token and rate limits. */
  replaceAccounts(accounts: readonly Account[]): AccountChanges
}

export interface Definitions {
  readonly jobs: readonly JobDefinition[]
  readonly firstLogin: FirstLoginDefinition | undefined
  /** The folder with the SDL of each role; default: the project's `graphql/schema`. */
  readonly schemaFolder?: URL
}

/**
 * Opens everything that running jobs needs, and closes it in reverse order.
 *
 * @param definitions undefined if no job is needed, so that history can be shown even if the jobs can't be loaded
 */
export async function openApp(config: Config, definitions: Definitions | undefined, host: Host): Promise<App> {
  const { clock, log, hostname, pid } = host
  const { jobs = [], firstLogin, schemaFolder = schemaFolderOf(host.project) } = definitions ?? {}
  if (definitions) {
    await checkJobList(jobs, name => findJobFiles(host.project, name))
    checkAccountJobs(config.accounts, jobs)
  }
  const observer = tellAll([createLogObserver(log), ...(host.observers ?? [])], log)
  const registry = createAccountRegistry({ ...host, observer, isFile: config.accountsFile !== undefined })
  registry.replace(config.accounts)
  await using opened = new AsyncDisposableStack()
  const database = await openStore(config, host)
  opened.defer(() => closeDatabase(database, clock))
  const { store } = database
  const tickets = config.redisUrl ? opened.use(openTickets(config.redisUrl, { clock, log })) : undefined
  const process = opened.use(
    await startProcess({ database, clock, log }, { host: hostname, pid, isAlone: database.kind === 'embedded' }),
  )
  const waker = createWaker({ store, tickets, notifies: database.kind === 'postgres', log, observer })
  const deps: RunDeps = {
    store,
    clock,
    log,
    observer,
    process,
    wake: waker.wake,
    jobs: new Map(jobs.map(job => [job.name, job])),
    accounts: registry.accounts,
    firstLogin,
    schemaFolder,
    settings: host,
  }
  const closing = opened.move()
  return {
    deps,
    database,
    waker,
    tickets,
    replaceAccounts: replacement => registry.replace(replacement),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** Closing doesn't wait for a Postgres that doesn't respond, but what an embedded database still writes must reach the disk. */
async function closeDatabase(database: Database, clock: Clock): Promise<void> {
  const closed = Promise.resolve(database[Symbol.asyncDispose]())
  if (database.kind === 'embedded' || (await settlesWithin(clock, closeWithinMs, closed))) await closed
}

/** Milliseconds. */
const closeWithinMs = 1_000

async function openStore(config: Config, { log, uid }: Host): Promise<Database> {
  const location = locateDatabase(config, uid)
  try {
    return await openDatabase(location, log)
  } catch (error) {
    if (error instanceof ConfigError || !('databaseUrl' in location)) throw error
    throw await explainStart(error, location.databaseUrl)
  }
}

/** If the user lacks privileges, the error lists all that are missing, like `doctor`. */
async function explainStart(error: unknown, databaseUrl: string): Promise<WorkerError> {
  const cause = error instanceof TransientError ? error.cause : error
  if (error instanceof WorkerError && cause === undefined) return error
  const failure = explainPostgresFailure(cause, namePostgres(databaseUrl))
  if (failure.code === '42501') {
    const found = await inspectDatabase(databaseUrl)
    if (found.problem) return new ConfigError([found.problem])
  }
  return failure.isConfiguration ? new ConfigError([failure]) : new TransientError('store', failure, { cause })
}

function locateDatabase(config: Config, uid: number | undefined): DatabaseLocation {
  if (config.databaseUrl) return { databaseUrl: config.databaseUrl }
  if (config.redisUrl) {
    throw new ConfigError([queueWithoutStore])
  }
  return { dataDir: config.dataDir, uid }
}
