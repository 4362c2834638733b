import type { DatabaseConnection, PostgresPool } from 'kysely'
import pg from 'pg'
import { isError, TransientError, WorkerError } from '../errors.ts'
import { isPassingError } from '../failures/sql-state.ts'
import { explainPostgresFailure } from './postgres-failure.ts'

/**
 * The pool that Kysely needs, which tells apart what Postgres refused and what never reached it. node-postgres' errors have no
 * code when a connection ends during a statement.
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

function translateAtConnect(error: unknown): never {
  throw explainLostConnection(error)
}

function translate(error: unknown): never {
  if (error instanceof pg.DatabaseError && !isPassingError(error)) throw error
  throw explainLostConnection(error)
}

/**
 * An error of a connection, which may end without a word of the server. One that the worker itself refuses, as behind a pooler that sends
 * reads to a standby, may be in order again before a run is repeated.
 */
export function explainLostConnection(error: unknown): unknown {
  if (!isError(error) || error.name === 'AbortError') return error
  const told = error instanceof WorkerError ? error : explainPostgresFailure(error, 'Postgres')
  return new TransientError('store', told, { cause: error })
}

/** For the log: if a statement of the worker's own lacks a table or a privilege, the place to fix that is the database, not the code. */
export function explainLack(error: unknown): unknown {
  return error instanceof pg.DatabaseError && lacks.has(error.code) ? explainLostConnection(error) : error
}

/** A missing schema, table, function or privilege. */
const lacks: ReadonlySet<string | undefined> = new Set(['3F000', '42P01', '42883', '42501'])

/** node-postgres throws out of a callback if a server asks for a way to log in that it doesn't know, such as Kerberos. */
export function explainUnknownLogin(thrown: unknown): unknown {
  const isUnknown = isError(thrown) && /^Unknown authenticationOk message/.test(thrown.message)
  return isUnknown ? explainLostConnection(thrown) : thrown
}
