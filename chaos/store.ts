import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import { dumpDatabase } from '../test/services/dump-database.ts'
import type { ServiceHandle } from '../test/services/local-service.ts'
import { startPostgres, startStandby } from '../test/services/start-postgres.ts'
import { auditTriggers, jobTables } from './audit.ts'
import { openSmallDisk, type SmallDisk } from './small-disk.ts'

export type Row = Record<string, unknown>

export interface StoreServer {
  readonly handle: ServiceHandle
  /** For a superuser, bypassing the proxies. */
  readonly url: string
  readonly port: number
  /** The current server's disk; undefined if none could be mounted. */
  readonly disk: SmallDisk | undefined
  /** A standby with every commit replaces the server, on another port. */
  failOver(): Promise<void>
  /** The same with a standby that was cut off before: later commits are lost. */
  failOverLate(lateMs: number): Promise<void>
  /** Replaces the database by an older dump: later commits are lost. */
  restoreDump(agoMs: number): Promise<void>
  /** The periods whose commits may be lost, by the harness's clock. */
  readonly losses: readonly Loss[]
}

/** A period in milliseconds since 1970. */
export interface Loss {
  readonly from: number
  readonly to: number
}

/** How much later what a lost server has committed may show elsewhere, in milliseconds. */
const lateAnswerMs = 3_000

/**
 * Whether a commit between these two instants may be lost. A process that stands still may read the answer long after the server is
 * gone.
 */
export function isLost(losses: readonly Loss[], since: number, until = since): boolean {
  return losses.some(({ from, to }) => from <= until && since <= to)
}

/** The workers' database, as the harness reaches it: as superuser, bypassing the proxies. */
export interface ChaosStore extends AsyncDisposable {
  /** Undefined for an embedded database. */
  readonly server: StoreServer | undefined
  /** The environment of a worker that reaches the server through this port. */
  variables(port: number | undefined): Readonly<Record<string, string>>
  /** @throws while the database can't be reached; an embedded one can only while it is lent */
  query<R extends Row>(text: string, values?: readonly unknown[]): Promise<R[]>
  /** Opens an embedded database that no worker owns, so that `query` works until disposal. */
  lend(): Promise<AsyncDisposable>
  /** Adds the harness's tables and triggers; the worker's tables must exist. */
  prepare(slots: Readonly<Record<string, number>>): Promise<void>
}

// Each commit is on disk before it is acknowledged, and its time is recorded.
const durable = { fsync: 'on', full_page_writes: 'on', max_connections: '200', track_commit_timestamp: 'on' }

export async function openServerStore(): Promise<ChaosStore> {
  const losses: Loss[] = []
  let current = await openServer(parent => startPostgres(durable, parent))
  try {
    await current.administer('create role worker login')
    await current.administer('create database worker owner worker')
  } catch (error) {
    await current[Symbol.asyncDispose]()
    throw error
  }
  const query = <R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
    current.query<R>(text, values)

  /** @param prepare resolves when the primary may be lost */
  async function promoteStandby(prepare: (primary: Server, standby: Server) => Promise<void>): Promise<void> {
    const primary = current
    const standby = await openServer(parent => startStandby(primary.handle.url, durable, parent))
    try {
      await prepare(primary, standby)
    } catch (error) {
      await standby[Symbol.asyncDispose]()
      throw error
    }
    await primary.handle.kill()
    await standby.administer('select pg_promote()')
    current = standby
    await primary[Symbol.asyncDispose]()
  }

  const failOver = (): Promise<void> =>
    promoteStandby(async primary => {
      await primary.administer(`alter system set synchronous_standby_names = '*'`)
      await primary.administer('select pg_reload_conf()')
      await untilSome(primary, `select from pg_stat_replication where sync_state = 'sync'`)
    })

  const lose = async (during: () => Promise<void>): Promise<void> => {
    const from = Date.now()
    try {
      await during()
    } finally {
      losses.push({ from, to: Date.now() + lateAnswerMs })
    }
  }

  const failOverLate = (lateMs: number): Promise<void> =>
    // Includes the second in which the standby is made, so slightly more than needed is excused.
    lose(() =>
      promoteStandby(async (primary, standby) => {
        const [now] = await primary.query<{ lsn: string }>('select pg_current_wal_lsn()::text as lsn')
        await untilSome(standby, `select where pg_last_wal_replay_lsn() >= '${now?.lsn}'::pg_lsn`)
        await standby.administer(`alter system set primary_conninfo = ''`)
        await standby.administer('select pg_reload_conf()')
        await delay(lateMs)
      }),
    )

  async function restoreDump(agoMs: number): Promise<void> {
    const { handle, administer } = current
    await lose(async () => {
      await using dump = await dumpDatabase(current.url)
      await delay(agoMs)
      // Of a restore that another fault, such as a full disk, broke off.
      await administer('drop database if exists restored with (force)')
      await administer('create database restored owner worker')
      const restored = new URL(handle.url)
      restored.pathname = '/restored'
      await dump.restoreInto(restored.href)
      await administer('alter database worker allow_connections false')
      await administer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'worker'`)
      await administer('drop database worker with (force)')
      await administer('alter database restored rename to worker')
      // Restored rows have the restore's commit time.
      await query('update chaos.orders set is_restored = true')
    })
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
      get disk() {
        return current.disk
      },
      failOver,
      failOverLate,
      restoreDump,
      losses,
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

async function untilSome(server: Server, statement: string): Promise<void> {
  while ((await server.administer(statement)) === 0) await delay(100)
}

interface Server extends AsyncDisposable, Pick<StoreServer, 'handle' | 'url' | 'port' | 'disk'> {
  query: ChaosStore['query']
  /** Runs outside the workers' database. @returns the number of rows */
  administer(statement: string): Promise<number>
}

async function openServer(start: (parent: string | undefined) => Promise<ServiceHandle>): Promise<Server> {
  await using opened = new AsyncDisposableStack()
  const disk = await openSmallDisk()
  if (disk) opened.use(disk)
  const handle = opened.use(await start(disk?.folder))
  const url = new URL(handle.url)
  const port = Number(url.port)
  url.pathname = '/worker'
  const pool = new pg.Pool({ connectionString: url.href, max: 6, connectionTimeoutMillis: 5_000 })
  pool.on('error', () => {})
  opened.defer(() => pool.end())
  const closing = opened.move()
  return {
    handle,
    disk,
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
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
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
      // There is one connection, so nobody else commits meanwhile.
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
