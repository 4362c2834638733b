import pg from 'pg'
import { isError } from '../errors.ts'
import type { ClientPool } from './prepared-statements.ts'

export interface LeavingPool extends ClientPool {
  /** Replaces every open connection; statements in progress fail. */
  leave(): void
}

/** The SQLSTATEs of a connection that no longer leads where it did. */
const misledStates: ReadonlySet<string | undefined> = new Set([
  // A server that takes no writes: a standby, or a primary that was demoted.
  '25006',
  // Another session, which a pooler has moved the connection to: it lacks a prepared statement, or has it already.
  '26000',
  '42P05',
])

/**
 * If the other end of a connection is gone, it doesn't answer, and node-postgres returns it to the pool after a query timeout.
 * Here it is closed instead. So is every other connection that was open at that time, before its next use: they are probably dead
 * too, and each would cost another timeout.
 *
 * A connection on which a write was refused because the server is read-only is closed too: after a failover it still leads to the
 * former primary, and a new one to the present primary. So is one whose prepared statements are lost, or return other columns since
 * a migration: they fail for as long as it is used.
 */
export function leaveSilent(pool: pg.Pool): LeavingPool {
  /** Earlier connections are closed when they are taken or returned. */
  let generation = 0
  const generations = new WeakMap<pg.PoolClient, number>()
  const taken = new Set<pg.PoolClient>()

  async function connect(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await pool.connect()
      const made = generations.get(client)
      if (made === undefined) {
        generations.set(client, generation)
        watchQueries(client)
      } else if (made < generation) {
        client.release(true)
        continue
      }
      taken.add(client)
      watchRelease(client)
      return client
    }
  }

  function watchQueries(client: pg.PoolClient): void {
    // Its type has one signature per way to call it; the arguments are passed on unchanged.
    const query: (...given: unknown[]) => unknown = client.query.bind(client)
    Object.assign(client, {
      query(...given: unknown[]): unknown {
        const answer = query(...given)
        if (answer instanceof Promise) answer.catch(noteFailure)
        return answer
      },
    })
  }

  /** Each time that the pool hands out a client, it gives it another `release`. */
  function watchRelease(client: pg.PoolClient): void {
    const release = client.release.bind(client)
    Object.assign(client, {
      release(destroy?: Error | boolean) {
        taken.delete(client)
        release(destroy || (generations.get(client) ?? 0) < generation)
      },
    })
  }

  function noteFailure(error: unknown): void {
    if (!isError(error)) return
    // The driver's timeout has no code, and Postgres didn't send it.
    const isLeft =
      error instanceof pg.DatabaseError
        ? misledStates.has(error.code) || error.file === 'plancache.c'
        : error.message === 'Query read timeout'
    if (isLeft) generation += 1
  }

  return {
    options: pool.options,
    connect,
    end: () => pool.end(),
    leave() {
      generation += 1
      // During a statement it closes the socket, and the statement fails; otherwise nothing more can be sent.
      for (const client of taken) if (client instanceof pg.Client) client.end().catch(() => {})
    },
  }
}
