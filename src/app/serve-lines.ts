import { CrashError } from '../errors.ts'
import { runLine } from '../execution/run-line.ts'
import { serveLive } from '../live/serve-live.ts'
import type { LineName } from '../runs/line.ts'
import { listSchedules, makeTicks, reconcileSchedules } from '../schedules/scheduler.ts'
import { createDispatcher, type Dispatcher } from '../serving/dispatcher.ts'
import { startHousekeeping } from '../serving/housekeeping.ts'
import { startLooking } from '../serving/look.ts'
import { listLines, storeServedLines } from '../serving/served-lines.ts'
import { settlesWithin } from '../time/clock.ts'
import type { App } from './app.ts'

export interface Serving extends AsyncDisposable {
  /** The accounts have changed. */
  renew(): Promise<void>
  /** Looks for work without waiting for the next second. */
  look(): void
}

/** Runs at a time in this process that wait for somebody else's server: they cost a connection and a batch of changes each. */
const receiverSlots = 32
/** How long everything but runs may take to stop, in milliseconds. */
const stopWithinMs = 2_000

/**
 * Serves the lines of all accounts until it is disposed: requests, schedules and maintenance.
 *
 * @param options.slots concurrent runs in this process, not counting those that wait for somebody else's server
 * @param options.graceMs how long runs may take to commit their data on disposal
 * @param options.signal ends the process: the reason of runs that a crash aborts
 */
export async function serveLines(
  { deps, database, waker, tickets }: Pick<App, 'deps' | 'database' | 'waker' | 'tickets'>,
  { slots, graceMs, signal }: { readonly slots: number; readonly graceMs: number; readonly signal?: AbortSignal },
): Promise<Serving> {
  const { store, process, clock, observer } = deps
  let isStopping = false
  // A look in progress must not restore what was removed.
  const listServed = () => (isStopping ? [] : listLines(deps))
  const open = (most: number): Dispatcher =>
    createDispatcher({
      ...deps,
      slots: most,
      run: (line, stopping, turn) => runLine(deps, line, stopping, turn),
      // With Redis, the other lines have tickets and get their turn.
      lookAgain: () => (tickets ? undefined : looking.look()),
    })
  const runs = open(slots)
  const deliveries = open(receiverSlots)
  const isDelivery = (line: LineName): boolean => deps.jobs.get(line.job)?.waitsFor === 'receiver'
  function offer(lines: readonly LineName[]): void {
    runs.offer(lines.filter(line => !isDelivery(line)))
    deliveries.offer(lines.filter(isDelivery))
  }
  const parts: AsyncDisposable[] = []
  const use = <T extends AsyncDisposable>(part: T): T => {
    parts.push(part)
    return part
  }
  /** Concurrently: if one of them waits for a service that is down, the others aren't delayed. */
  async function stop(): Promise<void> {
    isStopping = true
    waker.onWork(() => {})
    const stopped = parts.map(part => settlesWithin(clock, stopWithinMs, Promise.resolve(part[Symbol.asyncDispose]())))
    const crash = signal?.reason instanceof CrashError ? signal.reason : undefined
    await Promise.all([runs.stop(graceMs, crash), deliveries.stop(graceMs, crash), ...stopped])
  }
  await using opening = new AsyncDisposableStack()
  opening.defer(stop)

  // An account that was forgotten starts again, with its schedules.
  async function renew(): Promise<void> {
    // First that it keeps schedules: maintenance deletes those that no process keeps.
    await storeServedLines(store, process.id, listServed)
    await reconcileSchedules(store, listSchedules(deps))
  }
  await renew()
  use({ [Symbol.asyncDispose]: () => storeServedLines(store, process.id, listServed) })
  const looking = use(
    startLooking({
      ...deps,
      wake(lines) {
        offer(lines)
        // A line without a free slot here may get one in another process.
        if (tickets) waker.wake(lines)
      },
      tick: (ticks, now) => makeTicks(deps, listSchedules(deps), ticks, now),
      // A process that serves no line must not stay registered for one.
      renew: async () => (listServed().length > 0 ? renew() : undefined),
    }),
  )
  use(serveLive(deps))
  use(startHousekeeping(deps, database, renew))
  waker.onWork(offer)
  use(database.listen(looking.look, clock))
  const serveTicket = async (line: LineName): Promise<void> => {
    observer.ticketTaken(line)
    // Tickets that wait for receivers would keep those of others from being taken.
    if (isDelivery(line)) deliveries.offer([line])
    else await runs.serve(line)
  }
  const consumer = await tickets?.consume(serveTicket, slots)
  if (consumer) use({ [Symbol.asyncDispose]: () => consumer.stop() })

  opening.move()
  return { renew, look: looking.look, [Symbol.asyncDispose]: stop }
}
