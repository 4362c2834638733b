import type { Account } from '../account.ts'
import type { App } from '../app.ts'
import { createDispatcher } from '../runs/dispatcher.ts'
import { startHousekeeping } from '../runs/housekeeping.ts'
import { runLine } from '../runs/run-line.ts'
import { listLines, listSchedules, makeTicks, reconcileSchedules } from '../schedules/scheduler.ts'

export interface Serving extends AsyncDisposable {
  /** The accounts have changed. */
  renew(): Promise<void>
  /** Looks for work without waiting for the next second. */
  look(): void
}

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
  const { store, process } = deps
  const accounts = (): readonly Account[] => [...deps.accounts.values()].map(access => access.account)
  const schedules = () => listSchedules(deps.jobs.values(), accounts())
  await using opening = new AsyncDisposableStack()

  await reconcileSchedules(store, schedules())
  const dispatcher = createDispatcher({
    ...deps,
    processId: process.id,
    slots,
    run: (line, stopping) => runLine(deps, line, stopping),
  })
  const serving = opening.use(
    await process.serve({
      lines: () => listLines(deps.jobs.values(), accounts()),
      wake(lines) {
        if (!tickets) return dispatcher.look()
        dispatcher.offer(lines)
        // What finds no slot here may find one elsewhere, in its turn.
        waker.wake(lines)
      },
      tick: (ticks, now) => makeTicks(deps, schedules(), ticks, now),
    }),
  )
  // An account that was forgotten begins anew, with its schedules.
  async function renew(): Promise<void> {
    await reconcileSchedules(store, schedules())
    await serving.renew()
  }
  opening.use(startHousekeeping(deps, renew))
  waker.onWork(dispatcher.look)
  opening.defer(() => waker.onWork(() => {}))
  opening.defer(() => dispatcher.stop(graceMs))
  opening.use(database.listen(dispatcher.look, deps.clock))
  const consumer = await tickets?.consume(dispatcher.serve, slots)
  if (consumer) opening.defer(() => consumer.stop())

  const opened = opening.move()
  return {
    renew,
    look: serving.look,
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  }
}
