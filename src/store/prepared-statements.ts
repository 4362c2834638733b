import { createHash } from 'node:crypto'
import { type PostgresCursor, type PostgresPool, type PostgresPoolClient, type PostgresQueryResult, sql } from 'kysely'
import type pg from 'pg'

const mark = '/* prepared */'
const briefMark = '/* prepared, brief */'

/**
 * Stands at the beginning of a statement that each connection is to parse and plan once, which for one of many columns takes a
 * tenth of its time. Only for one whose plan is the same whatever its values: from the sixth time on Postgres plans without
 * looking at them, and takes every array for a short one.
 */
export const prepared = sql.raw(mark)

/**
 * Stands at the beginning of a statement that is prepared as well and takes milliseconds: one without an answer after 5 seconds
 * waits on a connection whose other end is gone, or for a lock that somebody died with.
 */
export const brief = sql.raw(briefMark)
const briefTimeoutMs = 5_000

/** node-postgres prepares a statement that has a name (Parse, "PostgreSQL Frontend/Backend Protocol"), and Kysely gives none. */
export function prepareMarked(pool: ClientPool): PostgresPool {
  return {
    options: pool.options,
    connect: async () => prepareMarkedOf(await pool.connect()),
    end: () => pool.end(),
  }
}

/** What this needs of node-postgres' pool. */
export type ClientPool = Pick<pg.Pool, 'options' | 'connect' | 'end'>

function prepareMarkedOf(client: pg.PoolClient): PostgresPoolClient {
  const known = clients.get(client)
  if (known) return known
  function query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  function query(text: unknown, parameters: readonly unknown[] = []): unknown {
    if (typeof text !== 'string') throw new TypeError('The store has no cursors')
    const values = [...parameters]
    if (text.startsWith(mark)) return client.query({ name: nameOf(text), text, values })
    if (text.startsWith(briefMark)) {
      const timed: pg.QueryConfig & { query_timeout: number } = {
        name: nameOf(text),
        text,
        values,
        query_timeout: briefTimeoutMs,
      }
      return client.query(timed)
    }
    return client.query(text, values)
  }
  const naming = { query, release: (destroy?: boolean) => client.release(destroy) }
  clients.set(client, naming)
  return naming
}

/** Kysely knows a connection by its client. */
const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()

/** Names have 63 bytes at most. */
function nameOf(text: string): string {
  let name = names.get(text)
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('base64url')
    names.set(text, name)
  }
  return name
}

/** Of all that was prepared: what the code says, and two for each mirror table. */
const names = new Map<string, string>()
