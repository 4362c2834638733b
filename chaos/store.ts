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
  /** For a superuser, past every proxy. */
  readonly url: string
  readonly port: number
  /** Of the server that there is now; undefined where none could be made. */
  readonly disk: SmallDisk | undefined
  /** The server is lost, and a standby that had all that was committed takes its place, on another port. */
  failOver(): Promise<void>
  /** The same with a standby that was cut off a while before: what was committed since is lost. */
  failOverLate(lateMs: number): Promise<void>
  /** The database becomes what it was a while ago: what was committed since is lost. */
  restoreDump(agoMs: number): Promise<void>
  /** When what was committed may be lost, by the harness' clock. */
  readonly losses: readonly Loss[]
}

/** From and to in milliseconds since 1970. */
export interface Loss {
  readonly from: number
  readonly to: number
}

/** An answer to what was committed on a lost server may come so much later, in milliseconds. */
const lateAnswerMs = 3_000

export function isLost(losses: readonly Loss[], at: number): boolean {
  return losses.some(({ from, to }) => from <= at && at <= to)
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

  /** @param prepare what has to be true before the primary is lost */
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
    // From before the standby was made, which takes a second: little is let off by it.
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
      await administer('create database restored owner worker')
      const restored = new URL(handle.url)
      restored.pathname = '/restored'
      await dump.restoreInto(restored.href)
      await administer('alter database worker allow_connections false')
      await administer(`select pg_terminate_backend(pid) from pg_stat_activity where datname = 'worker'`)
      await administer('drop database worker with (force)')
      await administer('alter database restored rename to worker')
      // The time of their commits is that of the restore.
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
  /** Outside of the workers' database. @returns the number of rows */
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
