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
import { openTickets, type Tickets } from '../queue/tickets.ts'
import { startProcess } from '../runs/process.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { createWaker, type Waker } from '../runs/waker.ts'
import { inspectDatabase } from '../store/inspect-database.ts'
import { type Database, type DatabaseLocation, openDatabase } from '../store/open-database.ts'
import { explainPostgresFailure } from '../store/postgres-failure.ts'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { type AccountChanges, createAccountRegistry } from './account-registry.ts'
import { checkAccountJobs } from './check-account-jobs.ts'
import { findJobFiles } from './find-job-files.ts'

/** What the outside gives to the app: nothing else in `src/` reaches for it. */
export interface Host {
  readonly clock: Clock
  readonly log: Log
  readonly hostname: string
  readonly pid: number
  /** The user that this process runs as; undefined where users have no numbers. */
  readonly uid: number | undefined
  readonly readSecretFile: (path: string) => Promise<string>
  readonly project: Project
  /** Where the settings of jobs are looked for. */
  readonly env: Environment
  /** Who is told what happens, beside the log; default nobody. */
  readonly observers?: readonly Partial<Observer>[]
}

export interface App extends AsyncDisposable {
  readonly deps: RunDeps
  readonly database: Database
  readonly waker: Waker
  /** The queue, where there is Redis. */
  readonly tickets: Tickets | undefined
  /** Puts these in the place of all accounts; those that are the same keep their token and their rate limits. */
  replaceAccounts(accounts: readonly Account[]): AccountChanges
}

export interface Definitions {
  readonly jobs: readonly JobDefinition[]
  readonly firstLogin: FirstLoginDefinition | undefined
  /** Where the SDL of each role is; default the project's `graphql/schema`. */
  readonly schemaFolder?: URL
}

/**
 * Opens everything that running jobs needs, and closes it in reverse order.
 *
 * @param definitions undefined where no job is asked for, so that what happened can be looked at whatever is wrong with the jobs
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

/** A Postgres that doesn't answer isn't waited for, while what an embedded database still writes has to be on the disk. */
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

/** Of what the user may not do, everything that is missing is told, as `doctor` tells it. */
async function explainStart(error: unknown, databaseUrl: string): Promise<WorkerError> {
  const cause = error instanceof TransientError ? error.cause : error
  if (error instanceof WorkerError && cause === undefined) return error
  const failure = explainPostgresFailure(cause, `Postgres at ${new URL(databaseUrl).host}`)
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
