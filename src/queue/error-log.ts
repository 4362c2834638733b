import { TransientError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'

/** How long the same error isn't logged again, in milliseconds. */
const quietMs = 60_000

/**
 * Logs the errors of BullMQ's connections. During an outage each of them reports the same error several times a second.
 *
 * @param explain what an error means, and a code that is equal for equal errors
 */
export function createErrorLog(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  explain: (error: Error) => Explanation & { readonly code: string },
): (error: Error) => void {
  const loggedAt = new Map<string, number>()
  return error => {
    const { code: kind, ...told } = explain(error)
    const now = clock.now()
    if (now - (loggedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < quietMs) return
    loggedAt.set(kind, now)
    log.warn(
      { error: new TransientError(kind, told) },
      'the queue reported an error; the same error is not logged again for a minute',
    )
  }
}
