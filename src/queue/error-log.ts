import { type Explanation, TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'

/** How long the same error stays quiet after it was logged, in milliseconds. */
const quietMs = 60_000

/**
 * Logs what BullMQ's connections report: during an outage each of them says the same several times a second.
 *
 * @param explain tells what an error means, and by which code it is the same again
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
      'the queue reported an error; the same one is not repeated for a minute',
    )
  }
}
