import { hash } from 'node:crypto'
import {
  type PostgresCursor,
  type PostgresPool,
  type PostgresPoolClient,
  type PostgresQueryResult,
  sql,
  type Transaction,
} from 'kysely'
import type pg from 'pg'
import type { WorkerTables } from './schema.ts'

const mark = '/* prepared */'
/** `modifyFront` of Kysely's own builders. */
const markedSelect = `select ${mark}`
const briefMark = '/* prepared, brief */'
const patientMark = '/* patient */'

/**
 * A prefix for statements that each connection parses and plans once; for one with many columns this saves nine tenths of its
 * time. Use it only if the plan doesn't depend on values: from the sixth execution on, Postgres plans without them, and assumes
 * that every array is short.
 */
export const prepared = sql.raw(mark)

/**
 * A prefix for statements that are prepared as well and take milliseconds: one without an answer after 5 seconds waits on a dead
 * connection, or for the lock of a dead client.
 */
export const brief = sql.raw(briefMark)
const briefTimeoutMs = 5_000

/** A prefix for statements that take minutes for a table of many millions of rows; their transaction calls `allowHours` first. */
export const patient = sql.raw(patientMark)
const patientTimeoutMs = 6 * 3_600_000

/** Postgres ends no statement of the transaction before node-postgres would. */
export async function allowHours(tx: Transaction<WorkerTables>): Promise<void> {
  await sql`set local statement_timeout = ${sql.lit(patientTimeoutMs)}`.execute(tx)
}

/** node-postgres prepares statements that have a name (Parse, "PostgreSQL Frontend/Backend Protocol"), and Kysely sets none. */
export function prepareMarked(pool: ClientPool): PostgresPool {
  return {
    options: pool.options,
    connect: async () => prepareMarkedOf(await pool.connect()),
    end: () => pool.end(),
  }
}

/** The part of node-postgres' pool that is used here. */
export type ClientPool = Pick<pg.Pool, 'options' | 'connect' | 'end'>

function prepareMarkedOf(client: pg.PoolClient): PostgresPoolClient {
  const known = clients.get(client)
  if (known) return known
  function query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  function query(text: unknown, parameters: readonly unknown[] = []): unknown {
    if (typeof text !== 'string') throw new TypeError('The store has no cursors')
    const values = [...parameters]
    if (text.startsWith(mark) || text.startsWith(markedSelect))
      return client.query({ name: nameOf(text), text, values })
    if (text.startsWith(briefMark)) return client.query(within(briefTimeoutMs, { name: nameOf(text), text, values }))
    if (text.startsWith(patientMark)) return client.query(within(patientTimeoutMs, { text, values }))
    return client.query(text, values)
  }
  const naming = { query, release: (destroy?: boolean) => client.release(destroy) }
  clients.set(client, naming)
  return naming
}

/** The types of node-postgres lack its option. */
export function within(timeoutMs: number, query: pg.QueryConfig): pg.QueryConfig {
  return Object.assign(query, { query_timeout: timeoutMs })
}

/** Kysely identifies a connection by its client. */
const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()

/** Names are limited to 63 bytes. */
function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = hash('sha256', text, 'base64url')
    names.set(text, name)
  }
  return name
}

/** All prepared statements: those in the code, and a few per mirror table. */
const names = new Map<string, string>()
