import type { Clock } from '../clock.ts'
import type { Log } from '../log.ts'

/** How long the same error stays quiet after it was logged, in milliseconds. */
const quietMs = 60_000

/** Logs what BullMQ's connections report: during an outage each of them says the same several times a second. */
export function createErrorLog({ clock, log }: { readonly clock: Clock; readonly log: Log }): (error: Error) => void {
  const loggedAt = new Map<string, number>()
  return error => {
    const kind = 'code' in error ? String(error.code) : error.name
    const now = clock.now()
    if (now - (loggedAt.get(kind) ?? Number.NEGATIVE_INFINITY) < quietMs) return
    loggedAt.set(kind, now)
    log.warn({ error }, 'the queue reported an error; the same one is not repeated for a minute')
  }
}
