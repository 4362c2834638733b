import { PGlite, types } from '@electric-sql/pglite'
import { Kysely, PostgresDialect } from 'kysely'
import { Migrator } from 'kysely/migration'
import pg from 'pg'
import { ConfigError, TransientError, type WorkerError } from '../errors.ts'
import { type Explanation, renderExplanation } from '../explanation.ts'
import { parseWithRoundedAsText } from '../json/exact-numbers.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'
import { applicationName, findBalancedReads } from './balanced-reads.ts'
import { claimDataDir, type DataDirClaim } from './data-dir-claim.ts'
import { findPending } from './executed-migrations.ts'
import { explainDataDir } from './explain-data-dir.ts'
import { listen, requestsChannel } from './listen.ts'
import { explainLostConnection, tellLostConnections } from './lost-connection.ts'
import { maintainEmbedded } from './maintain-embedded.ts'
import { migrations } from './migrations.ts'
import type { Asked } from './missing-privileges.ts'
import { PGlitePool } from './pglite-pool.ts'
import { PanicWords } from './postgres-end.ts'
import { prepareMarked, within } from './prepared-statements.ts'
import { databaseFolder, ensurePrivateDatabase, ensurePrivateFolder } from './private-folder.ts'
import { requireUsable } from './require-usable.ts'
import type { WorkerTables } from './schema.ts'
import { setSession } from './session-settings.ts'
import { leaveSilent } from './silent-connections.ts'
import type { Store } from './store.ts'
import { SyncedNodeFS, syncedStartParams } from './synced-node-fs.ts'

/** The database of the store. */
export interface Database extends AsyncDisposable {
  readonly kind: 'postgres' | 'embedded'
  readonly store: Store
  /** The same on its own connection, where each statement ends within 4 seconds, answered or not. */
  readonly heartbeatStore: Store
  /** Replaces all connections of `store`. Statements that wait for an answer on them fail. */
  leaveConnections(): void
  /** To be called once a minute: does what keeps the database from growing, unless its server does that. */
  maintain(signal: AbortSignal): Promise<void>
  /** Resolves if this process can't use it any more, and only another one can open it again. */
  readonly ended: Promise<WorkerError>
  /** The embedded database's folder, where other commands reach its owner. */
  readonly claim?: DataDirClaim
  /** Calls back whenever a request was made by SQL, or by a process without a queue, until it is disposed. */
  listen(onNotify: () => void, clock: Clock): AsyncDisposable
}

export type DatabaseLocation =
  | { readonly databaseUrl: string }
  /** `uid`: of this process, which must own the folder; by default the owner isn't checked. */
  | { readonly dataDir: string; readonly uid?: number | undefined }

/**
 * Opens the database and migrates its schema.
 *
 * @throws ConfigError for what `requireUsable` and `prepareSession` refuse
 */
export async function openDatabase(location: DatabaseLocation, log: Log): Promise<Database> {
  const database =
    'databaseUrl' in location
      ? openPostgres(location.databaseUrl, log)
      : await openEmbedded(location.dataDir, location.uid, log)
  try {
    const executed = await requireUsable(database, log)
    // Even with nothing to do, Kysely reads the whole catalog and waits for a lock that all its programs in a database share.
    if (findPending(executed).length > 0) await migrate(database.store)
  } catch (error) {
    await database[Symbol.asyncDispose]()
    throw error instanceof TransientError && error.cause instanceof ConfigError ? error.cause : error
  }
  return database
}

function openPostgres(databaseUrl: string, log: Log): Database {
  const address = {
    connectionString: databaseUrl,
    keepAlive: true,
    // During a statement of minutes a NAT or a load balancer would forget the connection, some after four.
    keepAliveInitialDelayMillis: 60_000,
    application_name: applicationName,
  }
  const common = openPool(
    {
      ...address,
      max: 12,
      connectionTimeoutMillis: 5_000,
      // After a peak, before other workers behind the same pooler give up.
      idleTimeoutMillis: 3_000,
      // No statement takes this long, unless it is marked as `patient`: one that does waits on a connection whose other end is gone.
      query_timeout: 120_000,
    },
    log,
  )
  const heartbeat = openPool({ ...address, max: 1, connectionTimeoutMillis: 2_000, query_timeout: 2_000 }, log)
  const listening = { ...address, connectionTimeoutMillis: 5_000, query_timeout: 3_000 }
  return {
    kind: 'postgres',
    store: common.store,
    heartbeatStore: heartbeat.store,
    leaveConnections: common.leave,
    async maintain() {},
    ended: new Promise(() => {}),
    listen: (onNotify, clock) => listen({ clock, open: () => new pg.Client(listening) }, onNotify),
    async [Symbol.asyncDispose]() {
      await Promise.all([common.end(), heartbeat.end()])
    },
  }
}

function openPool(
  options: pg.PoolConfig & { readonly connectionTimeoutMillis: number },
  log: Log,
): { readonly store: Store; leave(): void; readonly end: () => Promise<void> } {
  const pool = new pg.Pool({
    ...options,
    types: {
      getTypeParser: (type, format) =>
        isJson(type) && format !== 'binary' ? parseJsonValue : pg.types.getTypeParser(type, format),
    },
    onConnect: client => prepareSession(eachWithin(options.connectionTimeoutMillis, client)),
    // Prepared statements, two per mirror table, stay in the server as long as their connection.
    maxLifetimeSeconds: 3_600,
  })
  // A dropped idle connection must not end the process: the next statement opens another.
  pool.on('error', error => log.warn({ error: explainLostConnection(error) }, 'a database connection was lost'))
  // Nor must one that drops during a statement, which then fails: while a client is in use, the pool doesn't listen for its
  // errors.
  pool.on('connect', client => void client.on('error', () => {}))
  const leaving = leaveSilent(pool)
  const store = new Kysely<WorkerTables>({ dialect: new PostgresDialect(tellLostConnections(prepareMarked(leaving))) })
  return { store, leave: leaving.leave, end: () => pool.end() }
}

/** A pooler chooses for each connection anew where its reads go. */
async function prepareSession(client: Asked): Promise<void> {
  await setSession(client)
  const problem = await findBalancedReads(client)
  if (problem) throw new ConfigError([problem])
}

/**
 * A pooler accepts a connection at once, and lets its first statement wait while all sessions of the server are in use (PgBouncer's
 * `query_wait_timeout`: 2 minutes).
 */
function eachWithin(timeoutMs: number, client: pg.ClientBase): Asked {
  return {
    query<R extends object>(text: string, values: unknown[]) {
      return client.query<R>(within(timeoutMs, { text, values }))
    },
  }
}

function isJson(type: number): boolean {
  return type === types.JSON || type === types.JSONB
}

/** Not the drivers' JSON.parse, which rounds integers and confuses escaped names. Callers pass more arguments. */
function parseJsonValue(text: string): unknown {
  return parseWithRoundedAsText(text)
}

async function openEmbedded(dataDir: string, uid: number | undefined, log: Log): Promise<Database> {
  const { db, panic, claim, mended } = await openDataDir(dataDir, uid).catch(async error => {
    throw await explainDataDir(dataDir, error)
  })
  for (const told of mended) log.warn(renderExplanation(told))
  const pool = new PGlitePool(db, panic)
  const store = new Kysely<WorkerTables>({ dialect: new PostgresDialect({ pool }) })
  return {
    kind: 'embedded',
    claim,
    store,
    heartbeatStore: store,
    leaveConnections() {},
    maintain: signal => maintainEmbedded(store, signal),
    ended: pool.postgresEnd.reached,
    listen(onNotify) {
      const listening = db.listen(requestsChannel, onNotify)
      return {
        async [Symbol.asyncDispose]() {
          await (await listening)()
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await pool.end()
      await claim[Symbol.asyncDispose]()
    },
  }
}

interface OpenDataDir {
  readonly db: PGlite
  readonly panic: PanicWords
  readonly claim: DataDirClaim
  readonly mended: readonly Explanation[]
}

async function openDataDir(dataDir: string, uid: number | undefined): Promise<OpenDataDir> {
  // Before it contains a socket that others could reach.
  const mended = [...(await ensurePrivateFolder(dataDir, uid))]
  const claim = await claimDataDir(dataDir)
  try {
    mended.push(...(await ensurePrivateDatabase(dataDir, uid)))
    const panic = new PanicWords()
    return { db: await openPGlite(dataDir, panic), panic, claim, mended }
  } catch (error) {
    await claim[Symbol.asyncDispose]()
    throw error
  }
}

async function openPGlite(dataDir: string, panic: PanicWords): Promise<PGlite> {
  const db = new PGlite({
    fs: new SyncedNodeFS(databaseFolder(dataDir)),
    startParams: [...syncedStartParams],
    onStderr: panic.read,
    // Like node-postgres: PGlite would return a number or a BigInt, depending on the value.
    parsers: { [types.INT8]: value => value, [types.JSON]: parseJsonValue, [types.JSONB]: parseJsonValue },
  })
  await db.waitReady
  await setSession(db, { timeouts: false })
  return db
}

async function migrate(store: Store): Promise<void> {
  const migrator = new Migrator({
    db: store,
    provider: { getMigrations: async () => migrations },
    migrationTableSchema: 'worker',
  })
  const { error } = await migrator.migrateToLatest()
  if (error) throw error
}
