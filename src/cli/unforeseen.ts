import { isConnectionFailure } from '../failures/network-failure.ts'
import type { Log } from '../log.ts'
import { explainUnknownLogin } from '../store/lost-connection.ts'

/** The origin of an uncaught error: a promise, or a callback or `error` event. */
export type UnforeseenKind = 'rejection' | 'exception'

/** @returns whether the process may continue; `end` shuts it down as SIGTERM does, but with exit code 1 */
export type UnforeseenListener = (thrown: unknown, kind: UnforeseenKind) => 'go on' | 'end'

/**
 * Decides whether the process survives an uncaught error. By default Node would end it, and with it the runs of every account.
 *
 * - A rejection has passed through its promises, so every `finally` on its way has run: one piece of work failed, for one account.
 * - An `error` event without a listener means that one connection or stream ended. It comes from the event loop, so none of our
 *   code was interrupted.
 * - Any other exception interrupted a callback. Node's documentation ("Warning: Using 'uncaughtException' correctly") calls it unsafe
 *   to continue, because the state that the callback was changing may be inconsistent. Ending loses nothing: requests and checkpoints
 *   are committed, runs may commit their current page, and a supervisor restarts the worker.
 */
export function createUnforeseenListener(log: Log): UnforeseenListener {
  let count = 0
  return (thrown, kind) => {
    count += 1
    const isHarmless = kind === 'rejection' || isConnectionFailure(thrown)
    const what = { error: explainUnknownLogin(thrown), kind, count }
    if (isHarmless) {
      log.error(
        what,
        kind === 'rejection'
          ? 'unhandled rejection; other work continues'
          : 'uncaught error of a connection; other work continues',
      )
      return 'go on'
    }
    log.fatal(what, 'uncaught exception; the process ends, so that its supervisor can restart it')
    return 'end'
  }
}
