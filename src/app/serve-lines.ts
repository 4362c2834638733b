import type { Account } from '../account.ts'
import { serveLive } from '../live/serve-live.ts'
import { createDispatcher } from '../runs/dispatcher.ts'
import { startHousekeeping } from '../runs/housekeeping.ts'
import type { LineName } from '../runs/line.ts'
import { startLooking } from '../runs/look.ts'
import { runLine } from '../runs/run-line.ts'
import { storeServedLines } from '../runs/served-lines.ts'
import { listLines, listSchedules, makeTicks, reconcileSchedules } from '../schedules/scheduler.ts'
import { settlesWithin } from '../time/clock.ts'
import type { App } from './app.ts'

export interface Serving extends AsyncDisposable {
  /** The accounts have changed. */
  renew(): Promise<void>
  /** Looks for work without waiting for the next second. */
  look(): void
}

/** How long what isn't a run may take to stop, in milliseconds. */
const stopWithinMs = 2_000

/**
 * Serves the lines of all accounts until it is disposed: their requests, their schedules, and what has to be looked after.
 *
 * @param options.slots runs at a time in this process
 * @param options.graceMs how long runs may take to commit what they hold when it is disposed
 */
export async function serveLines(
  { deps, database, waker, tickets }: Pick<App, 'deps' | 'database' | 'waker' | 'tickets'>,
  { slots, graceMs }: { readonly slots: number; readonly graceMs: number },
): Promise<Serving> {
  const { store, process, clock, observer } = deps
  const accounts = (): readonly Account[] => [...deps.accounts.values()].map(access => access.account)
  const schedules = () => listSchedules(deps.jobs.values(), accounts())
  let isStopping = false
  // A look under way must not bring back what was taken away.
  const listServed = () => (isStopping ? [] : listLines(deps.jobs.values(), accounts()))
  const dispatcher = createDispatcher({
    ...deps,
    slots,
    run: (line, stopping, mayGoOn) => runLine(deps, line, stopping, mayGoOn),
    // With Redis the others have tickets, which come in their turn.
    lookAgain: () => (tickets ? undefined : looking.look()),
  })
  const parts: AsyncDisposable[] = []
  const use = <T extends AsyncDisposable>(part: T): T => {
    parts.push(part)
    return part
  }
  /** All at once, since none waits for another: what one of them asks of a service that is away costs no time twice. */
  async function stop(): Promise<void> {
    isStopping = true
    waker.onWork(() => {})
    const stopped = parts.map(part => settlesWithin(clock, stopWithinMs, Promise.resolve(part[Symbol.asyncDispose]())))
    await Promise.all([dispatcher.stop(graceMs), ...stopped])
  }
  await using opening = new AsyncDisposableStack()
  opening.defer(stop)

  // An account that was forgotten begins anew, with its schedules.
  async function renew(): Promise<void> {
    await reconcileSchedules(store, schedules())
    await storeServedLines(store, process.id, listServed)
  }
  await renew()
  use({ [Symbol.asyncDispose]: () => storeServedLines(store, process.id, listServed) })
  const looking = use(
    startLooking({
      ...deps,
      wake(lines) {
        dispatcher.offer(lines)
        // What finds no slot here may find one elsewhere, in its turn.
        if (tickets) waker.wake(lines)
      },
      tick: (ticks, now) => makeTicks(deps, schedules(), ticks, now),
      // Who serves no line is never known to serve one.
      renew: async () => (listServed().length > 0 ? renew() : undefined),
    }),
  )
  use(serveLive(deps))
  use(startHousekeeping(deps, renew))
  waker.onWork(dispatcher.offer)
  use(database.listen(looking.look, clock))
  const serveTicket = (line: LineName): Promise<void> => {
    observer.ticketTaken(line)
    return dispatcher.serve(line)
  }
  const consumer = await tickets?.consume(serveTicket, slots)
  if (consumer) use({ [Symbol.asyncDispose]: () => consumer.stop() })

  opening.move()
  return { renew, look: looking.look, [Symbol.asyncDispose]: stop }
}
