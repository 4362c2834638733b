import { sql } from 'kysely'
import { type Clock, settlesWithin } from '../clock.ts'
import { LeaseLostError, OutageError } from '../errors.ts'
import type { Log } from '../log.ts'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'
import { CancelledError } from './ending.ts'
import type { Line, LineName } from './line.ts'

/** A process is taken for dead when it hasn't been heard of for so long; its runs then end as interrupted. */
const lifeMs = 6_000
/** The same for the one owner of an embedded database: nobody else is there to take its runs over. */
const lifeAloneMs = 3_600_000
/** One that can't be heard aborts its runs before the others take it for dead, so that no run goes on beside its successor. */
const silentShare = 0.75
const everyMs = 1_000
const withinMs = 3_000
/** Lines and ticks of one pulse; with more it beats again at once. */
const linesAtOnce = 100
const ticksAtOnce = 1_000

export interface ServedLine extends LineName {
  /** The account begins with a bootstrap, which makes the first syncs in their order: ticks come after it. */
  readonly afterBootstrap: boolean
}

export interface Tick extends LineName {
  readonly dueAt: Date
}

/** What a worker does beside being alive. */
export interface Duties {
  /** The lines whose requests and schedules it serves. */
  lines(): readonly ServedLine[]
  /** Free lines that have ready work. */
  wake(lines: readonly Line[]): void
  tick(ticks: readonly Tick[], now: Date): Promise<void>
}

/** A run that this process has claimed, or is about to claim. */
export interface RunInHand extends Disposable {
  readonly runId: string
  /** Aborted when the run has lost its lease, when an operator cancels its request, and when the process can't be heard. */
  readonly signal: AbortSignal
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
  /** Doesn't wait for the next second. */
  beat(): void
}

interface PulseRow extends LineName {
  readonly kind: 'registered' | 'lost' | 'cancel' | 'wake' | 'tick' | 'now'
  readonly fence: string
  readonly run_id: string
  readonly due_at: Date
  readonly next_at: Date | null
}

/**
 * Makes this process known and keeps it alive in the store by one statement a second, which also tells what there is to do.
 *
 * @param self.isAlone it owns an embedded database, which no other process can open
 */
export async function startProcess(
  deps: { readonly store: Store; readonly clock: Clock; readonly log: Log },
  self: { readonly host: string; readonly pid: number; readonly isAlone: boolean },
): Promise<WorkerProcess> {
  const { store, clock, log } = deps
  const ownLifeMs = self.isAlone ? lifeAloneMs : lifeMs
  const silentMs = ownLifeMs * silentShare
  const id = crypto.randomUUID()
  const inHand = new Map<string, AbortController>()
  const stopped = new AbortController()
  let duties: Duties | undefined
  let since: Date | undefined
  let bell = new AbortController()

  /** @returns milliseconds until the next one */
  async function pulse(): Promise<number> {
    const asked = duties
    const { rows } = await sql<PulseRow>`${brief}
      select kind, account, job, fence, run_id, due_at, next_at from worker.pulse(
        ${id}, ${self.host}, ${self.pid}, ${ownLifeMs / 1000}, ${[...inHand.keys()]}::uuid[], ${since ?? null}::timestamptz,
        ${asked ? linesAtOnce : 0}, ${asked ? ticksAtOnce : 0})`.execute(store)
    const of = (kind: PulseRow['kind']): PulseRow[] => rows.filter(row => row.kind === kind)
    for (const { run_id } of of('lost')) {
      inHand.get(run_id)?.abort(new LeaseLostError('Another process has taken this run for dead and over'))
    }
    for (const { run_id } of of('cancel')) inHand.get(run_id)?.abort(new CancelledError())
    const [clockRow] = of('now')
    since = clockRow?.due_at
    if (!asked || !since) return everyMs
    if (of('registered').length > 0) {
      await storeServedLines(store, id, asked.lines())
      return 0
    }
    const lines = of('wake')
    const ticks = of('tick')
    if (lines.length > 0) asked.wake(lines)
    if (ticks.length > 0) {
      await asked.tick(
        ticks.map(({ account, job, due_at: dueAt }) => ({ account, job, dueAt })),
        since,
      )
    }
    if (ticks.length === ticksAtOnce) return 0
    const untilNext = clockRow?.next_at ? clockRow.next_at.getTime() - since.getTime() : everyMs
    return Math.min(Math.max(untilNext, 20), everyMs)
  }

  function abortAll(): void {
    for (const controller of inHand.values()) {
      controller.abort(
        new LeaseLostError(
          `The store did not answer a heartbeat for ${silentMs / 1000} s, so this run may have been taken over`,
        ),
      )
    }
  }

  /** Goes off unless a pulse is answered in time. */
  let armed = new AbortController()
  function arm(): void {
    armed.abort()
    armed = new AbortController()
    clock.sleep(silentMs, armed.signal).then(abortAll, () => {})
  }

  async function keepBeating(): Promise<void> {
    while (!stopped.signal.aborted) {
      let pauseMs = everyMs
      try {
        pauseMs = await beatWithin()
        arm()
      } catch (error) {
        if (!stopped.signal.aborted) log.warn({ error }, 'the store did not take the heartbeat')
      }
      if (pauseMs > 0) await clock.sleep(pauseMs, AbortSignal.any([stopped.signal, bell.signal])).catch(() => {})
      if (bell.signal.aborted) bell = new AbortController()
    }
    armed.abort()
  }

  async function beatWithin(): Promise<number> {
    const beaten = pulse()
    if (await settlesWithin(clock, withinMs, beaten)) return beaten
    beaten.catch(() => {})
    throw new OutageError('store', 'account', {
      found: `The store did not answer a heartbeat within ${withinMs / 1000} s`,
      remedy: 'check the network between this process and Postgres',
    })
  }

  // Whoever owned the embedded database before is gone.
  if (self.isAlone) await sql`delete from worker.processes`.execute(store)
  await pulse()
  arm()
  const beating = keepBeating()
  return {
    id,
    takeInHand() {
      const runId = crypto.randomUUID()
      const controller = new AbortController()
      inHand.set(runId, controller)
      return { runId, signal: controller.signal, [Symbol.dispose]: () => void inHand.delete(runId) }
    },
    async serve(given) {
      await storeServedLines(store, id, given.lines())
      duties = given
      bell.abort()
      return {
        renew: () => storeServedLines(store, id, given.lines()),
        beat: () => bell.abort(),
        async [Symbol.asyncDispose]() {
          duties = undefined
          await storeServedLines(store, id, []).catch(() => {})
        },
      }
    },
    async [Symbol.asyncDispose]() {
      stopped.abort(new DOMException('the process is stopping', 'AbortError'))
      await beating
      const gone = sql`${brief} delete from worker.processes where id = ${id}`.execute(store).catch(() => {})
      await settlesWithin(clock, 1_000, gone)
    },
  }
}

async function storeServedLines(store: Store, processId: string, lines: readonly ServedLine[]): Promise<void> {
  const accounts = lines.map(line => line.account)
  const jobs = lines.map(line => line.job)
  const after = lines.map(line => line.afterBootstrap)
  await store.transaction().execute(async tx => {
    await sql`delete from worker.served_lines where process = ${processId}`.execute(tx)
    await sql`insert into worker.served_lines (process, account, job, after_bootstrap)
      select ${processId}::uuid, * from unnest(${accounts}::text[], ${jobs}::text[], ${after}::boolean[])`.execute(tx)
  })
}
