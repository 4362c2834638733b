import { sql } from 'kysely'
import { CancelledError, LeaseLostError, PausedError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Database } from '../store/open-database.ts'
import { prepared } from '../store/prepared-statements.ts'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { startHeartbeat } from './heartbeat.ts'
import { createRunsInHand, type RunInHand } from './runs-in-hand.ts'

/** A process is declared dead when it hasn't been heard of for this long; its runs then end as interrupted. */
export const lifeMs = 6_000
/**
 * The same for the one owner of an embedded database, ten days: no other process could take over its runs, and a laptop may sleep for
 * long.
 */
const lifeAloneMs = 864_000_000
/** How long the last message to the store may take, in milliseconds. */
const farewellMs = 500

export interface WorkerProcess extends AsyncDisposable {
  readonly id: string
  /** Announces a run before its claim, so that nobody puts it back. */
  takeInHand(): RunInHand
  /** Runs that it has claimed or is about to claim. */
  runIds(): readonly string[]
}

export interface ProcessDeps {
  readonly database: Pick<Database, 'store' | 'heartbeatStore' | 'leaveConnections'>
  readonly clock: Clock
  readonly log: Log
}

interface BeatRow {
  readonly kind: 'lost' | 'cancel'
  readonly run_id: string
}

/**
 * Registers this process in the store and keeps it alive.
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

  async function beat(): Promise<void> {
    const { rows } = await sql<BeatRow>`${prepared}
      select kind, run_id from worker.beat(
        ${id}, ${self.host}, ${self.pid}, ${ownLifeMs / 1000}, ${[...inHand.begunIds()]}::uuid[])`.execute(
      heartbeatStore,
    )
    for (const { kind, run_id: runId } of rows) {
      inHand.abort(runId, kind === 'cancel' ? new CancelledError() : lost())
    }
  }

  // The previous owner of the embedded database is gone.
  if (self.isAlone) await sql`delete from worker.processes`.execute(store)
  const heartbeat = await startHeartbeat(
    {
      clock,
      log,
      beat,
      onSilent(silentMs, lateMs) {
        inHand.silence(lateMs === undefined ? silent(silentMs) : new PausedError(lateMs))
        database.leaveConnections()
      },
      onHeard: () => inHand.silence(undefined),
    },
    ownLifeMs,
  )
  return {
    id,
    takeInHand: inHand.take,
    runIds: inHand.ids,
    async [Symbol.asyncDispose]() {
      await heartbeat[Symbol.asyncDispose]()
      const gone = sql`${prepared} delete from worker.processes where id = ${id}`.execute(heartbeatStore)
      await settlesWithin(clock, farewellMs, gone)
    },
  }
}

function lost(): LeaseLostError {
  return new LeaseLostError(
    'This run has lost its lease: another run has taken over, or the store was restarted, restored or rewritten (VACUUM FULL)',
  )
}

function silent(silentMs: number): LeaseLostError {
  return new LeaseLostError(
    `The store did not answer a heartbeat for ${silentMs / 1000} s, so this run may have been taken over`,
  )
}
