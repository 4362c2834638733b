import { existsSync } from 'node:fs'
import type { Config } from '../config.ts'
import { WorkerError } from '../errors.ts'
import { createControlClient } from '../http/control-client.ts'
import { inspectRedis } from '../queue/inspect-redis.ts'
import { controlSocketPath, isOwned } from '../store/data-dir-claim.ts'
import { inspectDatabase } from '../store/inspect-database.ts'
import { type Finding, failWith, ok, warn } from './check.ts'

export interface ServicesInspection {
  readonly findings: ReadonlyMap<'queue' | 'store', Finding>
  /** By account; empty where the store can't be read without opening it. */
  readonly firstLogins: ReadonlyMap<string, string>
}

/** Whether the queue and the store can be used; neither is opened, so nothing is created or migrated. */
export async function inspectServices(config: Config): Promise<ServicesInspection> {
  if (!config.databaseUrl) return inspectEmbedded(config.dataDir)
  const { finding: store, firstLogins } = await inspectStore(config.databaseUrl)
  const queue = config.redisUrl
    ? await inspectQueue(config.redisUrl)
    : { ...store, detail: `in the store: ${store.detail}` }
  return { findings: new Map([['queue', queue] as const, ['store', store] as const]), firstLogins }
}

async function inspectEmbedded(dataDir: string): Promise<ServicesInspection> {
  if (await isOwned(dataDir)) {
    const operations = createControlClient(controlSocketPath(dataDir))
    const finding = await attempt(async () => {
      await operations.ping()
      return ok(`embedded in ${dataDir}, and its worker answers`)
    })
    const accounts = finding.status === 'ok' ? await operations.listAccounts() : []
    return { findings: both(finding), firstLogins: new Map(accounts.map(({ name, firstLogin }) => [name, firstLogin])) }
  }
  const finding = existsSync(dataDir)
    ? ok(`embedded in ${dataDir}; no worker runs`)
    : warn(
        `embedded, and ${dataDir} is not there yet`,
        'the first start makes it; set DATABASE_URL to share a Postgres instead',
      )
  return { findings: both(finding), firstLogins: new Map() }
}

function both(finding: Finding): ReadonlyMap<'queue' | 'store', Finding> {
  return new Map([
    ['queue', finding],
    ['store', finding],
  ])
}

async function inspectStore(
  databaseUrl: string,
): Promise<{ finding: Finding; firstLogins: ReadonlyMap<string, string> }> {
  let firstLogins: ReadonlyMap<string, string> = new Map()
  const finding = await attempt(async () => {
    const found = await inspectDatabase(databaseUrl)
    firstLogins = found.firstLogins
    if (!found.hasStore)
      return warn('Postgres answers, and has no tables of the worker yet', 'the first start makes them, or "migrate"')
    if (found.pending.length > 0)
      return warn(`${found.pending.length} migrations are pending`, 'the next start applies them, or "migrate"')
    return ok('Postgres answers, and its tables are up to date')
  })
  return { finding, firstLogins }
}

async function inspectQueue(redisUrl: string): Promise<Finding> {
  return attempt(async () => {
    const warning = await inspectRedis(redisUrl)
    if (!warning) return ok('Redis answers, and evicts nothing')
    return failWith(warning)
  })
}

async function attempt(inspect: () => Promise<Finding>): Promise<Finding> {
  try {
    return await inspect()
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    return failWith(error.message)
  }
}
