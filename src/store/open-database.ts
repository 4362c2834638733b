import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite, types } from '@electric-sql/pglite'
import { Kysely, PostgresDialect, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import pg from 'pg'
import { ConfigError, TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import { claimDataDir, type DataDirClaim } from './data-dir-claim.ts'
import { findEncodingProblem } from './database-encoding.ts'
import { tellLostConnections } from './lost-connection.ts'
import { migrations } from './migrations.ts'
import { PGlitePool } from './pglite-pool.ts'
import { nameMarked } from './prepared-statements.ts'
import type { WorkerTables } from './schema.ts'
import { setSession } from './session-settings.ts'
import type { Store } from './store.ts'

/** One database that holds the store and, where there is no Redis, the queue. */
export interface Database extends AsyncDisposable {
  readonly kind: 'postgres' | 'embedded'
  readonly store: Store
  /** The embedded database's folder, where other commands reach its owner. */
  readonly claim?: DataDirClaim
  /** A pool for BullMQ, whose statements name no schema and so need their own search path. */
  openQueuePool(): QueuePool
}

export type QueuePool = pg.Pool | PGlitePool

export type DatabaseLocation = { readonly databaseUrl: string } | { readonly dataDir: string }

/** Opens the database and brings its schema up to date. */
export async function openDatabase(location: DatabaseLocation, log: Log): Promise<Database> {
  const database =
    'databaseUrl' in location ? openPostgres(location.databaseUrl, log) : await openEmbedded(location.dataDir)
  try {
    await migrate(database.store)
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error
  }
  return database
}

function openPostgres(databaseUrl: string, log: Log): Database {
  const open = (searchPath?: string): pg.Pool => {
    const pool = new pg.Pool({
      connectionString: databaseUrl,
      onConnect: client => setSession(client, { timeouts: true, ...(searchPath !== undefined && { searchPath }) }),
      max: 12,
      keepAlive: true,
      connectionTimeoutMillis: 10_000,
      // What a connection of the store has prepared, two statements for each mirror table, stays in the server as long as it
      // lives; the queue's lose nothing by ending.
      maxLifetimeSeconds: 3_600,
      // No statement of ours takes so long: one that does waits on a connection whose other end is gone.
      query_timeout: 120_000,
      application_name: 'hasura-sync-worker',
    })
    // An idle connection that drops must not end the process: the next statement opens another.
    pool.on('error', error => log.warn({ error }, 'a database connection was lost'))
    // Nor must one that drops under a statement, which fails with it: in use, the pool doesn't listen.
    pool.on('connect', client => void client.on('error', () => {}))
    return pool
  }
  const pool = open()
  const pools = [pool]
  const store = new Kysely<WorkerTables>({ dialect: new PostgresDialect(tellLostConnections(nameMarked(pool))) })
  return {
    kind: 'postgres',
    store,
    openQueuePool() {
      const queuePool = open('bullmq')
      pools.push(queuePool)
      return queuePool
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(pools.map(pool => pool.end()))
    },
  }
}

async function openEmbedded(dataDir: string): Promise<Database> {
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const claim = await claimDataDir(dataDir)
  const db = new PGlite({
    dataDir: join(dataDir, 'postgres'),
    // As node-postgres has it: PGlite would give a number or a BigInt, depending on the value.
    parsers: { [types.INT8]: value => value },
  })
  try {
    await db.waitReady
    await setSession(db, { timeouts: false, searchPath: 'bullmq' })
  } catch (error) {
    await claim[Symbol.asyncDispose]()
    throw new TransientError('store', `The embedded database in ${dataDir} can't be opened (${String(error)})`, {
      cause: error,
    })
  }
  const pool = new PGlitePool(db)
  return {
    kind: 'embedded',
    claim,
    store: new Kysely<WorkerTables>({ dialect: new PostgresDialect({ pool }) }),
    openQueuePool: () => pool,
    async [Symbol.asyncDispose]() {
      await pool.end()
      await claim[Symbol.asyncDispose]()
    },
  }
}

async function migrate(store: Store): Promise<void> {
  const { rows } = await sql<{ encoding: string; database: string }>`
    select current_setting('server_encoding') as encoding, current_database() as database`.execute(store)
  const problem = rows[0] && findEncodingProblem(rows[0].encoding, rows[0].database)
  if (problem) throw new ConfigError([problem])
  const migrator = new Migrator({
    db: store,
    provider: { getMigrations: async () => migrations },
    migrationTableSchema: 'worker',
  })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}
