import { sql } from 'kysely'
import { type Clock, settlesWithin } from '../clock.ts'
import { LeaseLostError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Database } from '../store/open-database.ts'
import { prepared } from '../store/prepared-statements.ts'
import { CancelledError } from './ending.ts'
import { startHeartbeat } from './heartbeat.ts'
import { type Findings, startLooking } from './look.ts'
import { createRunsInHand, type RunInHand } from './runs-in-hand.ts'
import { createServedLines, type ServedLine, type ServedLines } from './served-lines.ts'

/** A process is taken for dead when it hasn't been heard of for so long; its runs then end as interrupted. */
const lifeMs = 6_000
/** The same for the one owner of an embedded database: nobody else is there to take its runs over. */
const lifeAloneMs = 3_600_000
/** What is told to the store at the end may take so long, in milliseconds. */
const farewellMs = 500

/** What a worker does beside being alive. */
export interface Duties extends Findings {
  /** The lines whose requests and schedules it serves. */
  lines(): readonly ServedLine[]
}

export interface WorkerProcess extends AsyncDisposable {
  readonly id: string
  /** Announces a run before its claim, so that nobody puts it back. */
  takeInHand(): RunInHand
  /** Serves lines from now on; until it is disposed. */
  serve(duties: Duties): Promise<ServingHandle>
}

export interface ServingHandle extends AsyncDisposable {
  /** The lines have changed. */
  renew(): Promise<void>
  /** Looks for work without waiting for the next second. */
  look(): void
}

export interface ProcessDeps {
  readonly database: Pick<Database, 'store' | 'heartbeatStore' | 'leaveConnections'>
  readonly clock: Clock
  readonly log: Log
}

interface BeatRow {
  readonly kind: 'registered' | 'lost' | 'cancel'
  readonly run_id: string
}

/**
 * Makes this process known and keeps it alive in the store.
 *
 * @param self.isAlone it owns an embedded database, which no other process can open
 */
export async function startProcess(
  deps: ProcessDeps,
  self: { readonly host: string; readonly pid: number; readonly isAlone: boolean },
): Promise<WorkerProcess> {
  const { database, clock, log } = deps
  const { store, heartbeatStore } = database
  const ownLifeMs = self.isAlone ? lifeAloneMs : lifeMs
  const id = crypto.randomUUID()
  const inHand = createRunsInHand()
  let served: ServedLines | undefined

  async function beat(): Promise<void> {
    const { rows } = await sql<BeatRow>`${prepared}
      select kind, run_id from worker.beat(
        ${id}, ${self.host}, ${self.pid}, ${ownLifeMs / 1000}, ${[...inHand.ids()]}::uuid[])`
      .execute(heartbeatStore)
      .catch(error => {
        // It may have been carried out, and have registered the process anew.
        served?.mayBeLost()
        throw error
      })
    for (const { kind, run_id: runId } of rows) {
      if (kind === 'registered') served?.mayBeLost()
      else inHand.abort(runId, kind === 'cancel' ? new CancelledError() : takenOver())
    }
  }

  // Whoever owned the embedded database before is gone.
  if (self.isAlone) await sql`delete from worker.processes`.execute(store)
  const heartbeat = await startHeartbeat(
    {
      clock,
      log,
      beat,
      onSilent(silentMs) {
        inHand.silence(silent(silentMs))
        database.leaveConnections()
      },
      onHeard: () => inHand.silence(undefined),
    },
    ownLifeMs,
  )
  return {
    id,
    takeInHand: inHand.take,
    async serve(duties) {
      let lines = duties.lines
      const own = createServedLines(store, id, () => lines())
      await own.renew()
      served = own
      const looking = startLooking({ store, clock, log, processId: id, served: own, runIds: inHand.ids }, duties)
      return {
        renew: own.renew,
        look: looking.look,
        async [Symbol.asyncDispose]() {
          await looking[Symbol.asyncDispose]()
          served = undefined
          lines = () => []
          await settlesWithin(clock, farewellMs, own.renew())
        },
      }
    },
    async [Symbol.asyncDispose]() {
      await heartbeat[Symbol.asyncDispose]()
      const gone = sql`${prepared} delete from worker.processes where id = ${id}`.execute(heartbeatStore)
      await settlesWithin(clock, farewellMs, gone)
    },
  }
}

function takenOver(): LeaseLostError {
  return new LeaseLostError('Another process has taken this run for dead and over')
}

function silent(silentMs: number): LeaseLostError {
  return new LeaseLostError(
    `The store did not answer a heartbeat for ${silentMs / 1000} s, so this run may have been taken over`,
  )
}
