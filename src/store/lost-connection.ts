import type { DatabaseConnection, PostgresPool } from 'kysely'
import pg from 'pg'
import { TransientError } from '../errors.ts'

/**
 * What Kysely needs of a pool, telling what Postgres refused from what never got through: node-postgres has plain errors without
 * a code for a connection that ends under a statement.
 */
export function tellLostConnections(pool: PostgresPool): {
  readonly pool: PostgresPool
  onCreateConnection(connection: DatabaseConnection): Promise<void>
} {
  return {
    pool: {
      options: pool.options,
      connect: () => pool.connect().catch(translateAtConnect),
      end: () => pool.end(),
    },
    async onCreateConnection(connection) {
      const execute = connection.executeQuery.bind(connection)
      connection.executeQuery = <R>(...query: Parameters<typeof execute>) => execute<R>(...query).catch(translate)
    },
  }
}

/** A system's error at connecting has a code, by which it is told elsewhere. */
function translateAtConnect(error: unknown): never {
  if (error instanceof Error && 'code' in error) throw error
  throw translated(error)
}

function translate(error: unknown): never {
  if (error instanceof pg.DatabaseError && !farewells.test(error.code ?? '')) throw error
  throw translated(error)
}

function translated(error: unknown): unknown {
  if (!(error instanceof Error) || error.name === 'AbortError') return error
  return new TransientError(
    'store',
    {
      found: "The connection to Postgres was lost, or can't be had",
      remedy: 'check that it runs and that DATABASE_URL is right',
    },
    { cause: error },
  )
}

/** With these Postgres ends the connection itself: a shutdown, a broken connection, a transaction that stood still. */
const farewells = /^(57P|08|25P03)/
