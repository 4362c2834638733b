import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'
import type { ServiceHandle } from '../test/services/local-service.ts'
import { startPostgres } from '../test/services/start-postgres.ts'
import { auditTriggers, jobTables } from './audit.ts'

export type Row = Record<string, unknown>

/** The database that the workers share, as the harness reaches it: past every proxy, and as superuser. */
export interface ChaosStore extends AsyncDisposable {
  /** The server and the address of the database; undefined for one that is embedded in its worker. */
  readonly server: { readonly handle: ServiceHandle; readonly url: string } | undefined
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
  await using opened = new AsyncDisposableStack()
  const handle = opened.use(await startPostgres(durable))
  const url = new URL(handle.url)
  url.pathname = '/worker'
  const client = new pg.Client({ connectionString: handle.url })
  await client.connect()
  await client.query('create role worker login')
  await client.query('create database worker owner worker')
  await client.end()
  const pool = new pg.Pool({ connectionString: url.href, max: 6, connectionTimeoutMillis: 5_000 })
  pool.on('error', () => {})
  opened.defer(() => pool.end())
  const query = async <R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[]> =>
    (await pool.query<R>(text, [...values])).rows
  const closing = opened.move()
  return {
    server: { handle, url: url.href },
    variables: port => ({ DATABASE_URL: `postgres://worker@127.0.0.1:${port ?? url.port}/worker` }),
    query,
    lend: async () => ({ async [Symbol.asyncDispose]() {} }),
    async prepare(slots) {
      await query(jobTables)
      await query('grant usage on schema chaos to worker')
      await query('grant select, insert, update on all tables in schema chaos to worker')
      await query(auditTriggers(row => `pg_xact_commit_timestamp(${row}.xmin) < now()`))
      await storeSlots(query, slots)
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
