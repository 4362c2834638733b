import { isConnectionFailure } from '../failures/network-failure.ts'
import type { Log } from '../log.ts'

/** How what nobody caught came up: as a promise, or out of a callback or an `error` event. */
export type UnforeseenKind = 'rejection' | 'exception'

/** @returns whether the process can be trusted to go on; else it has to end, as on SIGTERM but with a failure */
export type UnforeseenListener = (thrown: unknown, kind: UnforeseenKind) => 'go on' | 'end'

/**
 * Decides what becomes of the process when something was thrown that nobody caught. Node ends it by default, and with it the runs of
 * every account.
 *
 * - A rejection went through promises to its end, so every `finally` on its way was run: one piece of work failed, and its own
 *   account alone is concerned.
 * - An `error` event that nobody listens to says that one connection or stream has ended. It comes from the event loop, with no
 *   code of ours half done.
 * - Any other exception broke off a callback wherever it was: Node's documentation ("Warning: Using 'uncaughtException' correctly")
 *   calls it unsafe to go on, since what the callback held together may be in pieces. Requests and checkpoints are committed
 *   elsewhere, so ending loses nothing: runs may commit the page in hand, and whoever starts the worker starts it again.
 */
export function createUnforeseenListener(log: Log): UnforeseenListener {
  let count = 0
  return (thrown, kind) => {
    count += 1
    const isHarmless = kind === 'rejection' || isConnectionFailure(thrown)
    const what = { error: thrown, kind, count }
    if (isHarmless) {
      log.error(what, 'something failed that nothing waited for; other work continues')
      return 'go on'
    }
    log.fatal(what, 'an exception broke off work in the middle; the process ends so that it can be started anew')
    return 'end'
  }
}
