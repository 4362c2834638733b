import {
  type BackendFactory,
  createPostgresBackend,
  createRedisBackend,
  type IQueueBackend,
  isPgPool,
  LATEST_SCHEMA_VERSION,
  type Processor,
  Queue,
  runMigrations,
  Worker,
} from 'bullmq'
import type { Asked } from '../store/missing-privileges.ts'
import type { QueuePool } from '../store/open-database.ts'
import { quickenStrings } from './quicken-strings.ts'
import { parseRedisUrl } from './redis-url.ts'
import type { RequestData } from './request.ts'

/** Where BullMQ keeps its queue. */
export type QueueLocation = { readonly redisUrl: string } | { readonly pool: QueuePool }

/** The connection is bound by the factory, so that queues on Redis and on Postgres are of one type. */
type Backend = BackendFactory<IQueueBackend, BoundConnection>
interface BoundConnection {
  readonly bound: true
}
const bound: BoundConnection = { bound: true }

export type BullQueue = Queue<RequestData, void, string, RequestData, void, string, IQueueBackend, BoundConnection>
export type BullWorker = Worker<RequestData, void, string, IQueueBackend, number | object, BoundConnection>
export type BullProcessor = Processor<RequestData, void>

const queueName = 'requests'
const queueSchema = 'bullmq'
/** The braces keep all keys on one node of a Redis cluster; Postgres has the schema `bullmq` instead. */
const prefix = '{hasura-sync-worker}'

/** So long a caller can ask what became of its request, and an idempotency key finds it (ages in seconds). */
const retention = {
  removeOnComplete: { age: 7 * 24 * 3600, count: 20_000 },
  removeOnFail: { age: 30 * 24 * 3600, count: 20_000 },
}

/**
 * What becomes of a request is decided by its handler, which says so when it has failed. Whatever else is thrown (the queue
 * went away while a request was put back) must not cost the request.
 */
const neverGiveUp = { attempts: 1_000_000, backoff: { type: 'fixed', delay: 5_000 } }

export async function createBullQueue(location: QueueLocation): Promise<BullQueue> {
  quickenStrings()
  if ('pool' in location) await migrateQueue(location.pool)
  return new Queue<RequestData, void, string, RequestData, void, string, IQueueBackend, BoundConnection>(
    queueName,
    {
      prefix,
      connection: bound,
      skipWaitingForReady: true,
      defaultJobOptions: { ...retention, ...neverGiveUp },
      streams: { events: { maxLen: 1000 } },
    },
    // A producer is told at once that Redis is away instead of waiting for ever.
    chooseBackend(location, { maxRetriesPerRequest: 1 }),
  )
}

export function createBullWorker(location: QueueLocation, process: BullProcessor, concurrency: number): BullWorker {
  return new Worker<RequestData, void, string, IQueueBackend, number | object, BoundConnection>(
    queueName,
    process,
    {
      prefix,
      connection: bound,
      concurrency,
      // Another worker takes over a dead one's requests within some ten seconds, however often that happens.
      lockDuration: 6_000,
      stalledInterval: 2_000,
      maxStalledCount: 1_000_000,
      drainDelay: 2,
    },
    chooseBackend(location, { maxRetriesPerRequest: null }),
  )
}

function chooseBackend(location: QueueLocation, redisOptions: object): Backend {
  if ('pool' in location) {
    const { pool } = location
    if (!isPgPool(pool)) throw new TypeError('BullMQ does not take this for a pool')
    return (name, options, extra) => createPostgresBackend(name, { ...options, connection: pool }, extra)
  }
  const connection = { ...parseRedisUrl(location.redisUrl), retryStrategy: reconnectSoon, ...redisOptions }
  return (name, options, extra) => createRedisBackend(name, { ...options, connection }, extra)
}

/** Brings BullMQ's tables up to date. */
async function migrateQueue(pool: QueuePool): Promise<void> {
  const client = await pool.connect()
  try {
    if (!(await isQueueCurrent(client))) await runMigrations(client, queueSchema)
  } finally {
    client.release()
  }
}

/** BullMQ's migrations ask for the right to make their schema again, which a user may have had for the first start alone. */
async function isQueueCurrent(client: Asked): Promise<boolean> {
  const { rows: tables } = await client.query<{ isThere: boolean }>(`select to_regclass($1) is not null as "isThere"`, [
    `${queueSchema}.migration`,
  ])
  if (!tables[0]?.isThere) return false
  const { rows } = await client.query<{ version: number }>(
    `select coalesce(max(version), 0)::int as version from ${queueSchema}.migration`,
    [],
  )
  return (rows[0]?.version ?? 0) >= LATEST_SCHEMA_VERSION
}

/** Milliseconds before the next attempt to reach Redis: soon, since the end of an outage should be noticed. */
function reconnectSoon(attempt: number): number {
  return Math.min(attempt * 100, 2_000)
}
