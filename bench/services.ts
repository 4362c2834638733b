import { setTimeout as delay } from 'node:timers/promises'
import { Redis } from 'ioredis'
import pg from 'pg'
import { createLog } from '../src/log.ts'
import { parseRedisUrl } from '../src/queue/redis-url.ts'
import { openDatabase } from '../src/store/open-database.ts'
import { startPostgres } from '../test/services/start-postgres.ts'
import { redisServer, startRedis } from '../test/services/start-redis.ts'
import { type Bench, createDatabase } from './open-bench.ts'
import { startWorker, type WorkerProcess } from './worker-process.ts'

/** A Postgres with `fsync = on` and a Redis, for benchmarks of requests and runs. */
export interface Services extends AsyncDisposable {
  readonly postgresUrl: string
  readonly redisUrl: string
}

export async function startServices(): Promise<Services> {
  await using opened = new AsyncDisposableStack()
  if (!redisServer) throw new Error('These benchmarks need redis-server in PATH')
  const postgres = opened.use(await startPostgres({ fsync: 'on', full_page_writes: 'on' }))
  const redis = opened.use(await startRedis())
  const closing = opened.move()
  return { postgresUrl: postgres.url, redisUrl: redis.url, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

/** A separate store, and workers with an empty queue. */
export interface Spine extends AsyncDisposable {
  readonly databaseUrl: string
  query<R extends pg.QueryResultRow>(text: string, values?: readonly unknown[]): Promise<readonly R[]>
  /** Starts workers for the accounts `account-0`, `account-1` …, each with the job `wait`. */
  serve(options: WorkerSettings): Promise<WorkerProcess>
  /** Accepts a number of different requests in one transaction, spread evenly over the first `accounts` accounts. */
  accept(requests: number, accounts: number): Promise<void>
  /** Resolves when every request has ended. */
  settle(): Promise<void>
}

export interface WorkerSettings {
  readonly accounts: number
  readonly slots: number
  readonly waitMs?: number
  readonly apiUrl?: string
  readonly everySeconds?: number
  readonly tellsStarts?: boolean
  /** Serves the HTTP API, for callers of the bench's issuer; default false. */
  readonly http?: boolean
  /** Default: with Redis. */
  readonly withoutRedis?: boolean
}

export async function openSpine(bench: Bench, { postgresUrl, redisUrl }: Services): Promise<Spine> {
  await using opened = new AsyncDisposableStack()
  const { url: databaseUrl } = opened.use(await createDatabase(postgresUrl))
  await emptyRedis(redisUrl)
  // Migrations aren't measured.
  await (await openDatabase({ databaseUrl }, createLog('warn')))[Symbol.asyncDispose]()
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  opened.defer(() => client.end())
  const closing = opened.move()
  return {
    databaseUrl,
    query: async (text, values = []) => (await client.query(text, [...values])).rows,
    serve({ withoutRedis = false, tellsStarts = false, waitMs = 0, http = false, ...more }) {
      const { issuer } = bench.idp
      const queue = withoutRedis ? {} : { redisUrl }
      const options = { ...bench.client, issuer, databaseUrl, ...queue, tellsStarts, waitMs, http, ...more }
      return startWorker('serve-jobs.ts', options)
    },
    async accept(requests, accounts) {
      await client.query(`begin`)
      await client.query(
        `select worker.accept(gen_random_uuid()::text, 'account-' || n % $2, 'wait', jsonb_build_object('n', n), 'sql',
          'normal', '', null, null, null) from generate_series(1, $1::int) n`,
        [requests, accounts],
      )
      await client.query(`select pg_notify('worker_requests', '')`)
      await client.query('commit')
    },
    async settle() {
      for (;;) {
        const { rows } = await client.query(`select from worker.requests where state in ('waiting', 'running') limit 1`)
        if (rows.length === 0) return
        await delay(200)
      }
    },
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

async function emptyRedis(redisUrl: string): Promise<void> {
  const redis = new Redis(parseRedisUrl(redisUrl))
  await redis.flushall()
  redis.disconnect()
}
