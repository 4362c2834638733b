import { createHash } from 'node:crypto'
import { type PostgresCursor, type PostgresPool, type PostgresPoolClient, type PostgresQueryResult, sql } from 'kysely'
import type pg from 'pg'

const mark = '/* prepared */'

/**
 * Stands at the beginning of a statement that each connection is to parse and plan once, which for one of many columns takes a
 * tenth of its time. Only for one whose plan is the same whatever its values: from the sixth time on Postgres plans without
 * looking at them, and takes every array for a short one.
 */
export const prepared = sql.raw(mark)

/** node-postgres prepares a statement that has a name (Parse, "PostgreSQL Frontend/Backend Protocol"), and Kysely gives none. */
export function nameMarked(pool: pg.Pool): PostgresPool {
  return {
    options: pool.options,
    connect: async () => nameMarkedOf(await pool.connect()),
    end: () => pool.end(),
  }
}

function nameMarkedOf(client: pg.PoolClient): PostgresPoolClient {
  const known = clients.get(client)
  if (known) return known
  function query<R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>>
  function query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  function query(text: unknown, parameters: readonly unknown[] = []): unknown {
    if (typeof text !== 'string') throw new TypeError('The store has no cursors')
    const values = [...parameters]
    return text.startsWith(mark) ? client.query({ name: nameOf(text), text, values }) : client.query(text, values)
  }
  const naming = { query, release: (destroy?: boolean) => client.release(destroy) }
  clients.set(client, naming)
  return naming
}

/** Kysely knows a connection by its client. */
const clients = new WeakMap<pg.PoolClient, PostgresPoolClient>()

/** Names have 63 bytes at most. */
function nameOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}
