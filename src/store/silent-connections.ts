import pg from 'pg'
import type { ClientPool } from './prepared-statements.ts'

export interface LeavingPool extends ClientPool {
  /** Leaves every connection that is open now; statements under way fail. */
  leave(): void
}

/**
 * A connection whose other end is gone without a word answers nothing, and node-postgres gives it back to the pool after its
 * query timed out. Here it is closed instead, and so is every other one that was open at that time, before it is used again:
 * they went the same way, and each would cost a timeout of its own.
 */
export function leaveSilent(pool: pg.Pool): LeavingPool {
  /** Connections made before are closed when they are taken or given back. */
  let generation = 0
  const generations = new WeakMap<pg.PoolClient, number>()
  const taken = new Set<pg.PoolClient>()

  async function connect(): Promise<pg.PoolClient> {
    for (;;) {
      const client = await pool.connect()
      const made = generations.get(client)
      if (made === undefined) {
        generations.set(client, generation)
        watch(client)
      } else if (made < generation) {
        client.release(true)
        continue
      }
      taken.add(client)
      return client
    }
  }

  function watch(client: pg.PoolClient): void {
    // Its type has one signature for each way to call it; what is passed on is what was given.
    const query: (...given: unknown[]) => unknown = client.query.bind(client)
    const release = client.release.bind(client)
    Object.assign(client, {
      query(...given: unknown[]): unknown {
        const answer = query(...given)
        if (answer instanceof Promise) answer.catch(noteSilence)
        return answer
      },
      release(destroy?: Error | boolean) {
        taken.delete(client)
        release(destroy || (generations.get(client) ?? 0) < generation)
      },
    })
  }

  function noteSilence(error: unknown): void {
    // The driver gives it no code, and it isn't Postgres' word.
    if (error instanceof Error && !(error instanceof pg.DatabaseError) && error.message === 'Query read timeout')
      generation += 1
  }

  return {
    options: pool.options,
    connect,
    end: () => pool.end(),
    leave() {
      generation += 1
      // With a statement under way it closes the socket, and the statement fails; without one nothing more can be sent.
      for (const client of taken) if (client instanceof pg.Client) client.end().catch(() => {})
    },
  }
}
