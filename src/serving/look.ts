import { sql } from 'kysely'
import { messageOf } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Observer } from '../observer/observer.ts'
import type { WorkerProcess } from '../process/process.ts'
import type { Line, LineName } from '../runs/line.ts'
import { explainLack } from '../store/lost-connection.ts'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'
import type { Clock } from '../time/clock.ts'
import { createOncePerMinute } from '../time/once-per-minute.ts'
import { repeat } from '../time/repeat.ts'
import { reportAccepted, type UnreportedRequest } from './report-accepted.ts'

const everyMs = 1_000
/** A due time closer than this is waited for, in milliseconds. */
const leastPauseMs = 20
/** Lines, ticks and reports per look; if there are more, the next look follows at once. */
const linesAtOnce = 100
const ticksAtOnce = 1_000
const reportsAtOnce = 1_000
/** How long the current look may take on disposal, in milliseconds. */
const stopWithinMs = 500

export interface Tick extends LineName {
  readonly dueAt: Date
}

export interface Looking extends AsyncDisposable {
  /** Doesn't wait for the next second. */
  look(): void
}

export interface LookDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly process: Pick<WorkerProcess, 'id' | 'runIds'>
  readonly observer: Pick<Observer, 'requestAccepted' | 'during'>
  /** Free lines with ready requests. */
  wake(lines: readonly Line[]): void
  tick(ticks: readonly Tick[], now: Date): Promise<void>
  /** The store has no lines of this process: it was declared dead, or the store was restored. */
  renew(): Promise<void>
}

interface LookRow extends LineName {
  readonly kind: 'wake' | 'tick' | 'accepted' | 'now' | 'unserved'
  readonly fence: string
  readonly due_at: Date
  readonly next_at: Date | null
  readonly accepted: UnreportedRequest | null
}

/** Asks the store once a second for the work of the lines that this process serves. A look that fails is repeated. */
export function startLooking(deps: LookDeps): Looking {
  const { store, clock, log, process, observer } = deps
  const isNew = createOncePerMinute(clock)
  let since: Date | undefined

  /** @returns milliseconds until the next look */
  async function lookOnce(signal: AbortSignal): Promise<number> {
    const { rows } = await sql<LookRow>`${brief}
      select kind, account, job, fence, due_at, next_at, accepted from worker.look(
        ${process.id}, ${[...process.runIds()]}::uuid[], ${since ?? null}::timestamptz, ${linesAtOnce}, ${ticksAtOnce},
        ${reportsAtOnce})`.execute(store)
    const of = (kind: LookRow['kind']): LookRow[] => rows.filter(row => row.kind === kind)
    // The store reports each of them once, so also to a process that is stopping.
    const accepted = rows.flatMap(row => row.accepted ?? [])
    for (const request of accepted) reportAccepted(observer, request)
    const [clockRow] = of('now')
    if (!clockRow || signal.aborted) return everyMs
    since = clockRow.due_at
    const lines = of('wake')
    const ticks = of('tick').map(({ account, job, due_at: dueAt }) => ({ account, job, dueAt }))
    if (lines.length > 0) deps.wake(lines)
    if (ticks.length > 0) await deps.tick(ticks, since)
    if (of('unserved').length > 0) await deps.renew()
    if (ticks.length === ticksAtOnce || accepted.length === reportsAtOnce) return 0
    const untilNext = clockRow.next_at ? clockRow.next_at.getTime() - since.getTime() : everyMs
    return Math.min(Math.max(untilNext, leastPauseMs), everyMs)
  }

  const looks = repeat(
    clock,
    async ({ signal }) => {
      try {
        return await lookOnce(signal)
      } catch (error) {
        if (!signal.aborted && isNew(messageOf(error))) {
          log.warn(
            { error: explainLack(error) },
            'the store could not be asked for work; the worker asks again, and logs the same failure at most once a minute',
          )
        }
        return everyMs
      }
    },
    { stopWithinMs },
  )
  return { look: looks.ring, [Symbol.asyncDispose]: () => looks[Symbol.asyncDispose]() }
}
