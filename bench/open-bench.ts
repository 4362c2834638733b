import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { type IdentityProvider, startIdentityProvider } from '../test/sandbox/identity/start-identity-provider.ts'
import { startPostgres } from '../test/services/start-postgres.ts'

/** What all benchmarks share: an identity provider, and one Postgres for the mirrors and the API's tables. */
export interface Bench extends AsyncDisposable {
  readonly idp: IdentityProvider
  readonly client: { readonly clientId: string; readonly clientSecret: string }
  createDatabase(): Promise<BenchDatabase>
}

export interface BenchDatabase extends AsyncDisposable {
  readonly url: string
  /** How many transactions it has had. Waits until nobody is connected, because connections report theirs when they end. */
  countTransactions(): Promise<number>
  countRows(table: string): Promise<number>
}

export async function openBench(): Promise<Bench> {
  await using opened = new AsyncDisposableStack()
  const client = { clientId: 'bench', clientSecret: randomUUID() }
  const idp = opened.use(
    await startIdentityProvider({
      clients: [{ ...client, roles: ['viewer'], email: 'bench@wiki.example' }],
      tokenLifetimeSeconds: 3_600,
    }),
  )
  const server = opened.use(await startPostgres())
  const closing = opened.move()
  return {
    idp,
    client,
    createDatabase: () => createDatabase(server.url),
    [Symbol.asyncDispose]: () => closing.disposeAsync(),
  }
}

/** An empty database on a server, until it is disposed. */
export async function createDatabase(serverUrl: string): Promise<BenchDatabase> {
  const name = `bench_${randomUUID().replaceAll('-', '')}`
  await query(serverUrl, `create database ${name}`)
  const url = new URL(serverUrl)
  url.pathname = `/${name}`
  return {
    url: url.href,
    countTransactions: () => countTransactions(serverUrl, name),
    async countRows(table) {
      const [row] = await query(url.href, `select count(*)::int as rows from ${table}`)
      return Number(row?.rows)
    },
    async [Symbol.asyncDispose]() {
      await query(serverUrl, `drop database ${name} with (force)`)
    },
  }
}

async function countTransactions(serverUrl: string, database: string): Promise<number> {
  for (;;) {
    const [row] = await query(
      serverUrl,
      `select xact_commit::int as transactions, numbackends as connections from pg_stat_database where datname = '${database}'`,
    )
    if (row?.connections === 0) return Number(row.transactions)
  }
}

async function query(connectionString: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString })
  await client.connect()
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows
  } finally {
    await client.end()
  }
}
