import { sql } from 'kysely'
import { type Clock, settlesWithin } from '../clock.ts'
import { OutageError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Store } from '../store/store.ts'
import { createLeases, type Leases } from './lease.ts'

/** A process is taken for dead when it hasn't been heard of for so long; its leases may then be taken. */
const processLifeMs = 6_000
const heartbeatMs = 1_500
const beatWithinMs = 3_000
const unheard = {
  found: 'The store did not answer a heartbeat within 3 s',
  remedy: 'check the network between this process and Postgres',
}

export interface ProcessSelf {
  readonly host: string
  readonly pid: number
  /** Whether it takes requests; default false. */
  readonly isWorker?: boolean
}

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
  self: ProcessSelf,
): Promise<Heartbeat> {
  const { store, clock, log } = deps
  const processId = crypto.randomUUID()
  const { host, pid, isWorker: is_worker = false } = self
  const leases = createLeases(store, processId)
  const expires_at = sql<Date>`now() + make_interval(secs => ${processLifeMs / 1000})`
  const stopped = new AbortController()

  async function beat(): Promise<void> {
    await store
      .insertInto('worker.processes')
      .values({ id: processId, host, pid, is_worker, expires_at })
      .onConflict(conflict => conflict.column('id').doUpdateSet({ expires_at }))
      .execute()
  }

  async function keepBeating(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        await clock.sleep(heartbeatMs, stopped.signal)
        // On a connection that is half open a statement waits for ever, and the next beat may get a better one.
        const beaten = beat().then(() => leases.releaseOrphans())
        if (!(await settlesWithin(clock, beatWithinMs, beaten))) throw new OutageError('store', 'account', unheard)
        await beaten
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
