import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import type { ServiceHandle } from '../test/services/local-service.ts'
import { startPostgres, startStandby } from '../test/services/start-postgres.ts'
import { auditTriggers, jobTables } from './audit.ts'

export type Row = Record<string, unknown>

export interface StoreServer {
  readonly handle: ServiceHandle
  /** For a superuser, past every proxy. */
  readonly url: string
  readonly port: number
  /** The server is lost, and a standby that had all that was committed takes its place, on another port. */
  failOver(): Promise<void>
}

/** The database that the workers share, as the harness reaches it: past every proxy, and as superuser. */
export interface ChaosStore extends AsyncDisposable {
  /** The server and the address of the database; undefined for one that is embedded in its worker. */
  readonly server: StoreServer | undefined
  /** What a worker finds in its environment: it reaches a server through this port. */
  variables(port: number | undefined): Readonly<Record<string, string>>
  /** @throws while it is away; an embedded one is, unless it is lent */
  query<R extends Row>(text: string, values?: readonly unknown[]): Promise<R[]>
  /** Of an embedded one that no worker owns just then: what `query` asks until this is disposed. */
  lend(): Promise<AsyncDisposable>
  /** Adds what the harness needs; once the worker's own tables are there. */
  prepare(slots: Readonly<Record<string, number>>): Promise<void>
}

// Each commit is on the disk before it is acknowledged, and its time is known.
const durable = { fsync: 'on', full_page_writes: 'on', max_connections: '200', track_commit_timestamp: 'on' }

export async function openServerStore(): Promise<ChaosStore> {
  const first = await startPostgres(durable)
  let current = openServer(first)
  try {
    await current.administer('create role worker login')
    await current.administer('create database worker owner worker')
  } catch (error) {
    await current[Symbol.asyncDispose]()
    throw error
  }
  const query = <R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
    current.query<R>(text, values)

  async function failOver(): Promise<void> {
    const primary = current
    const standby = openServer(await startStandby(primary.handle.url, durable))
    try {
      await primary.administer(`alter system set synchronous_standby_names = '*'`)
      await primary.administer('select pg_reload_conf()')
      while ((await primary.administer(`select from pg_stat_replication where sync_state = 'sync'`)) === 0)
        await delay(100)
    } catch (error) {
      await standby[Symbol.asyncDispose]()
      throw error
    }
    await primary.handle.kill()
    await standby.administer('select pg_promote()')
    current = standby
    await primary[Symbol.asyncDispose]()
  }

  return {
    server: {
      get handle() {
        return current.handle
      },
      get url() {
        return current.url
      },
      get port() {
        return current.port
      },
      failOver,
    },
    variables: port => ({ DATABASE_URL: `postgres://worker@127.0.0.1:${port ?? current.port}/worker` }),
    query,
    lend: async () => ({ async [Symbol.asyncDispose]() {} }),
    async prepare(slots) {
      await query(jobTables)
      await query('grant usage on schema chaos to worker')
      await query('grant select, insert, update on all tables in schema chaos to worker')
      await query(auditTriggers(row => `pg_xact_commit_timestamp(${row}.xmin) < now()`))
      await storeSlots(query, slots)
    },
    [Symbol.asyncDispose]: () => current[Symbol.asyncDispose](),
  }
}

interface Server extends AsyncDisposable, Pick<StoreServer, 'handle' | 'url' | 'port'> {
  query: ChaosStore['query']
  /** Outside of the workers' database. @returns the number of rows */
  administer(statement: string): Promise<number>
}

function openServer(handle: ServiceHandle): Server {
  const url = new URL(handle.url)
  const port = Number(url.port)
  url.pathname = '/worker'
  const pool = new pg.Pool({ connectionString: url.href, max: 6, connectionTimeoutMillis: 5_000 })
  pool.on('error', () => {})
  return {
    handle,
    url: url.href,
    port,
    query: async <R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
      (await pool.query<R>(text, [...values])).rows,
    async administer(statement) {
      const client = new pg.Client({ connectionString: handle.url })
      client.on('error', () => {})
      await client.connect()
      try {
        return (await client.query(statement)).rowCount ?? 0
      } finally {
        await client.end().catch(() => {})
      }
    },
    async [Symbol.asyncDispose]() {
      await pool.end()
      await handle[Symbol.asyncDispose]()
    },
  }
}

export async function openEmbeddedStore(folder: string): Promise<ChaosStore> {
  const dataDir = join(folder, 'data')
  let database: PGlite | undefined
  async function query<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> {
    if (!database) throw new Error('the embedded database belongs to its worker')
    if (values.length === 0) return rowsOf<R>((await database.exec(text)).at(-1)?.rows ?? [])
    return (await database.query<R>(text, [...values])).rows
  }
  async function lend(): Promise<AsyncDisposable> {
    const opened = await PGlite.create(join(dataDir, 'postgres'))
    database = opened
    return {
      async [Symbol.asyncDispose]() {
        database = undefined
        await opened.close()
      },
    }
  }
  return {
    server: undefined,
    variables: () => ({ DATA_DIR: dataDir }),
    query,
    lend,
    async prepare(slots) {
      await using _lent = await lend()
      await query(jobTables)
      // One connection: nobody else commits meanwhile.
      await query(auditTriggers(() => 'true'))
      await storeSlots(query, slots)
    },
    [Symbol.asyncDispose]: () => rm(dataDir, { recursive: true, force: true }),
  }
}

function rowsOf<R>(rows: readonly unknown[]): R[] {
  return rows as R[]
}

async function storeSlots(query: ChaosStore['query'], slots: Readonly<Record<string, number>>): Promise<void> {
  for (const [account, count] of Object.entries(slots)) {
    await query('insert into chaos.limits (account, slots) values ($1, $2)', [account, count])
  }
}
