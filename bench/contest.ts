import { print } from 'graphql'
import { pullArticlesDocument } from '../test/fixtures/wiki-documents.ts'
import type { Bench, BenchDatabase } from './open-bench.ts'
import { type Api, type Measured, runContestant, startApi } from './start-process.ts'

export function startPreparedApi(options: { rows: number; latencyMs: number }): Promise<Api> {
  return startApi('serve-prepared.ts', options)
}

/** Its tables are on the mirrors' Postgres, in a separate database. */
export async function startHasuraApi(bench: Bench, options: { rows: number }): Promise<Api> {
  await using opened = new AsyncDisposableStack()
  const { url: databaseUrl } = opened.use(await bench.createDatabase())
  const api = opened.use(await startApi('serve-hasura.ts', { ...options, databaseUrl, jwkUrl: bench.idp.jwksUrl }))
  const closing = opened.move()
  return { ...api, [Symbol.asyncDispose]: () => closing.disposeAsync() }
}

export async function fetchAlone(bench: Bench, { url, rows }: Api, pageSize: number): Promise<Measured> {
  const measured = await runContestant('fetch-alone.ts', { url, pageSize, ...(await requestOf(bench)) })
  requireAll('fetching alone', measured.rows, rows)
  return measured
}

/** A full load into an empty database. */
export async function pullAll(
  bench: Bench,
  api: Api,
  options: { pageSize: number; ranges?: number },
): Promise<Measured> {
  await using database = await bench.createDatabase()
  const measured = await pull(bench, api, database, options)
  requireAll('pull', await database.countRows('mirror.articles'), api.rows)
  return measured
}

export function pull(
  bench: Bench,
  { url }: Api,
  database: BenchDatabase,
  options: { pageSize: number; ranges?: number },
): Promise<Measured> {
  return runContestant('pull.ts', { ...workerOptions(bench, url, database), ...options })
}

export function doNothing(bench: Bench, { url }: Api, database: BenchDatabase): Promise<Measured> {
  return runContestant('do-nothing.ts', workerOptions(bench, url, database))
}

export async function dltMerge(bench: Bench, { url, rows }: Api, pageSize: number, python: string): Promise<Measured> {
  await using database = await bench.createDatabase()
  // dlt requires a password; the server accepts any.
  const databaseUrl = Object.assign(new URL(database.url), { password: 'any' }).href
  const options = { url, pageSize, databaseUrl, ...(await requestOf(bench)) }
  const measured = await runContestant('dlt-merge.py', options, python)
  requireAll('dlt', await database.countRows('mirror.articles'), rows)
  return measured
}

/** A contestant that leaves rows out isn't faster. */
function requireAll(contestant: string, found: number, rows: number): void {
  if (found !== rows) throw new Error(`${contestant} delivered ${found} rows instead of ${rows}`)
}

async function requestOf(bench: Bench): Promise<{ token: string; query: string }> {
  return { token: await bench.idp.issueToken(bench.client.clientId), query: print(pullArticlesDocument) }
}

function workerOptions(bench: Bench, url: string, database: BenchDatabase) {
  return { ...bench.client, url, issuer: bench.idp.issuer, databaseUrl: database.url }
}
