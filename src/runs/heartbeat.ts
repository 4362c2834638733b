import { sql } from 'kysely'
import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import { createLeases, type Leases } from './lease.ts'

/** A process is taken for dead when it hasn't been heard of for so long; its leases may then be taken. */
export const processLifeMs = 6_000
const heartbeatMs = 1_500

export interface Heartbeat extends AsyncDisposable {
  readonly processId: string
  readonly leases: Leases
}

/**
 * Registers this process and keeps it alive in the store: one row for all its leases, since renewing each lease would wait
 * for the locks of the transactions that the leases guard.
 */
export async function startHeartbeat(
  deps: { readonly store: Store; readonly clock: Clock; readonly log: Log },
  self: { readonly host: string; readonly pid: number },
): Promise<Heartbeat> {
  const { store, clock, log } = deps
  const processId = crypto.randomUUID()
  const leases = createLeases(store, processId)
  const expires_at = sql<Date>`now() + make_interval(secs => ${processLifeMs / 1000})`
  const stopped = new AbortController()

  async function beat(): Promise<void> {
    await store
      .insertInto('worker.processes')
      .values({ id: processId, ...self, expires_at })
      .onConflict(conflict => conflict.column('id').doUpdateSet({ expires_at }))
      .execute()
  }

  async function keepBeating(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        await clock.sleep(heartbeatMs, stopped.signal)
        await beat()
        await leases.releaseOrphans()
      } catch (error) {
        if (!stopped.signal.aborted) log.warn({ error }, 'the store did not take the heartbeat')
      }
    }
  }

  await beat()
  const beating = keepBeating()
  return {
    processId,
    leases,
    async [Symbol.asyncDispose]() {
      stopped.abort(new DOMException('the process is stopping', 'AbortError'))
      await beating
      await sql`delete from worker.processes where id = ${processId}`.execute(store).catch(() => {})
    },
  }
}
