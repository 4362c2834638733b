import { existsSync } from 'node:fs'
import type { Config } from '../config/config.ts'
import { WorkerError } from '../errors.ts'
import { createControlClient, pingOwner } from '../http/control-client.ts'
import type { Operations } from '../operations/registry.ts'
import { inspectRedis } from '../queue/inspect-redis.ts'
import { controlSocketPath, isOwned } from '../store/data-dir-claim.ts'
import { type DatabaseInspection, inspectDatabase } from '../store/inspect-database.ts'
import { inspectDataDir } from '../store/private-folder.ts'
import type { Clock } from '../time/clock.ts'
import { combine, type Finding, failWith, ok, warn, warnWith } from './check.ts'
import type { FirstLoginRecord } from './inspect-first-login.ts'

export interface ServicesInspection {
  readonly findings: ReadonlyMap<'queue' | 'store', Finding>
  /** Undefined when the store can't be read, or only by opening it. */
  readonly firstLogins: FirstLogins | undefined
}

interface InspectionDeps {
  readonly uid: number | undefined
  readonly clock: Clock
  readonly signal: AbortSignal
}

/** How long the owner of an embedded database may take to answer. */
const ownerWithinMs = 30_000

/** By account; a missing one has never logged in. */
type FirstLogins = ReadonlyMap<string, FirstLoginRecord>

/**
 * Checks whether the queue and the store can be used. Neither is opened, so nothing is created or migrated.
 *
 * @param deps.uid numeric user id of this process, which must own an embedded database
 */
export async function inspectServices(config: Config, deps: InspectionDeps): Promise<ServicesInspection> {
  if (!config.databaseUrl) return inspectEmbedded(config.dataDir, deps)
  const { finding: store, firstLogins } = await inspectStore(config.databaseUrl)
  const queue = config.redisUrl
    ? await inspectQueue(config.redisUrl)
    : { ...store, detail: `in the store: ${store.detail}` }
  return { findings: new Map([['queue', queue] as const, ['store', store] as const]), firstLogins }
}

async function inspectEmbedded(dataDir: string, deps: InspectionDeps): Promise<ServicesInspection> {
  const { foreign, open } = await inspectDataDir(dataDir, deps.uid)
  const exposures = [...foreign.map(told => failWith(told)), ...open.map(warnWith)]
  const { finding, firstLogins } = await inspectOwner(dataDir, deps)
  return { findings: both(combine([...exposures, finding], finding)), firstLogins }
}

async function inspectOwner(
  dataDir: string,
  { clock, signal }: InspectionDeps,
): Promise<{ readonly finding: Finding; readonly firstLogins: FirstLogins | undefined }> {
  if (await isOwned(dataDir)) {
    const socketPath = controlSocketPath(dataDir)
    const operations = createControlClient(socketPath)
    let firstLogins: FirstLogins | undefined
    const finding = await attempt(async () => {
      await pingOwner(socketPath, clock, ownerWithinMs, signal)
      firstLogins = await findFirstLogins(operations)
      return ok(`embedded in ${dataDir}, and its worker answers`)
    })
    return { finding, firstLogins }
  }
  if (existsSync(dataDir)) return { finding: ok(`embedded in ${dataDir}; no worker runs`), firstLogins: undefined }
  const finding = warn(
    `embedded, and ${dataDir} does not exist yet`,
    'the first start creates it; set DATABASE_URL to use a Postgres server instead',
  )
  return { finding, firstLogins: new Map() }
}

async function findFirstLogins(operations: Operations): Promise<FirstLogins> {
  const [accounts, holds] = await Promise.all([operations.listAccounts(), operations.listHolds()])
  const held = new Map(
    holds.flatMap(hold =>
      ['first-login', 'fingerprint'].includes(hold.code) && hold.job === null
        ? [[hold.account, { found: hold.found, remedy: hold.remedy ?? undefined }]]
        : [],
    ),
  )
  return new Map(
    accounts.map(({ name, firstLogin: state }) => {
      const hold = held.get(name)
      return [name, { state, ...(hold !== undefined && { hold }) }]
    }),
  )
}

function both(finding: Finding): ReadonlyMap<'queue' | 'store', Finding> {
  return new Map([
    ['queue', finding],
    ['store', finding],
  ])
}

async function inspectStore(databaseUrl: string): Promise<{ finding: Finding; firstLogins: FirstLogins | undefined }> {
  let firstLogins: FirstLogins | undefined
  const finding = await attempt(async () => {
    const found = await inspectDatabase(databaseUrl)
    firstLogins = found.firstLogins
    if (found.problem) return failWith(found.problem)
    const migrated = describeMigrations(found)
    const { warning } = found
    return warning ? combine([warnWith(warning), migrated], migrated) : migrated
  })
  return { finding, firstLogins }
}

function describeMigrations({ hasStore, pending }: Pick<DatabaseInspection, 'hasStore' | 'pending'>): Finding {
  if (!hasStore)
    return warn(
      "Postgres answers, but the worker's tables do not exist yet",
      'the first start creates them, or run "npm run -s cli -- migrate"',
    )
  if (pending.length > 0)
    return warn(
      `${pending.length} migrations are pending`,
      'the next start applies them, or run "npm run -s cli -- migrate"',
    )
  return ok('Postgres answers, and its tables are up to date')
}

async function inspectQueue(redisUrl: string): Promise<Finding> {
  return attempt(async () => {
    const warning = await inspectRedis(redisUrl)
    if (!warning) return ok('Redis answers and evicts no tickets')
    return failWith(warning)
  })
}

async function attempt(inspect: () => Promise<Finding>): Promise<Finding> {
  try {
    return await inspect()
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    return failWith(error)
  }
}
