import { PGlite } from '@electric-sql/pglite'
import pg from 'pg'

export type Row = Record<string, unknown>
export type Query = (text: string, params?: readonly unknown[]) => Promise<Row[]>

export interface Database extends AsyncDisposable {
  /** One statement, or several without parameters. */
  readonly query: Query
  /** Runs `work` in one transaction; rolled back when it throws. */
  transaction<T>(work: (query: Query) => Promise<T>): Promise<T>
}

/** A Postgres by URL, or one inside this process, in a folder or in memory. Its sessions are in the time zone. */
export async function openDatabase(
  { databaseUrl, dataDir }: { databaseUrl?: string | undefined; dataDir?: string | undefined },
  timeZone = 'UTC',
): Promise<Database> {
  return databaseUrl === undefined ? openPGlite(dataDir, timeZone) : openPostgres(databaseUrl, timeZone)
}

async function openPGlite(dataDir: string | undefined, timeZone: string): Promise<Database> {
  const db = await PGlite.create({ ...(dataDir !== undefined && { dataDir }) })
  await db.exec(`SET TIME ZONE '${timeZone}'`)
  const query: Query = async (text, params) => {
    if (params === undefined || params.length === 0) return (await db.exec(text)).at(-1)?.rows ?? []
    return (await db.query<Row>(text, [...params])).rows
  }
  return {
    query,
    transaction: work =>
      db.transaction(tx =>
        work(async (text, params) => (await tx.query<Row>(text, params === undefined ? [] : [...params])).rows),
      ),
    [Symbol.asyncDispose]: () => db.close(),
  }
}

async function openPostgres(url: string, timeZone: string): Promise<Database> {
  const pool = new pg.Pool({ connectionString: url, max: 10, options: `-c TimeZone=${timeZone}` })
  // Discarding a pool while the server stops must not crash the process.
  pool.on('error', () => {})
  return {
    query: async (text, params) => rowsOf(await pool.query<Row>(text, params === undefined ? undefined : [...params])),
    transaction: async work => {
      const client = await pool.connect()
      try {
        await client.query('BEGIN')
        const result = await work(async (text, params) =>
          rowsOf(await client.query<Row>(text, params === undefined ? undefined : [...params])),
        )
        await client.query('COMMIT')
        return result
      } catch (error) {
        await client.query('ROLLBACK')
        throw error
      } finally {
        client.release()
      }
    },
    [Symbol.asyncDispose]: () => pool.end(),
  }
}

/** Several statements in one text give several results. */
function rowsOf(result: pg.QueryResult<Row> | pg.QueryResult<Row>[]): Row[] {
  return Array.isArray(result) ? (result.at(-1)?.rows ?? []) : result.rows
}
