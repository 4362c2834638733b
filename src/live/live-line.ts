import type { DoorbellSubscription, Listener, Ring } from '../definitions/doorbell.ts'
import { PermanentError, type WorkerError } from '../errors.ts'
import type { Connection } from '../hasura/subscription-client.ts'
import type { Clock } from '../time/clock.ts'
import { pauseAfter } from './growing-pause.ts'
import type { LiveReport } from './live-lease.ts'

/** One job's subscriptions, which outlive the connections that carry them. */
export interface LiveLine {
  readonly job: string
  /**
   * Subscribes on a connection, until `signal` is aborted.
   *
   * @returns resolves when each subscription has told something, or failed
   */
  subscribe(connection: Connection, signal: AbortSignal): Promise<void>
  /** Nobody has listened for a while. */
  missed(): void
  report(report: LiveReport): void
}

const longestPauseMs = 300_000

/** @param deps.report is told each change of state */
export function createLiveLine(deps: {
  readonly job: string
  readonly listener: Listener
  readonly clock: Clock
  readonly ring: (rings: readonly Ring[]) => void
  readonly report: (report: LiveReport) => void
}): LiveLine {
  const { job, listener, clock, ring, report } = deps
  /** By the names of subscriptions. */
  const problems = new Map<string, WorkerError>()

  function tell(): void {
    const [problem] = problems.values()
    report(problem ? { state: 'failing', problem } : { state: 'live' })
  }

  /** Subscribes, and again after a growing pause whenever the server ends it. */
  function keep(connection: Connection, subscription: DoorbellSubscription, signal: AbortSignal): Promise<void> {
    const { name, document, variables } = subscription
    const told = Promise.withResolvers<void>()
    let failures = 0

    function fail(error: WorkerError, isOver: boolean): void {
      if (signal.aborted) return
      problems.set(name, error)
      tell()
      told.resolve()
      if (!isOver) return
      const pauseMs = pauseAfter(error, failures, longestPauseMs)
      failures += 1
      clock.sleep(pauseMs, signal).then(subscribe, () => {})
    }

    function subscribe(): void {
      const stop = connection.subscribe(document, variables, {
        next(data) {
          if (signal.aborted) return
          try {
            const { rings, ends = false } = listener.hear(name, data, clock.now())
            ring(rings)
            if (ends) stop()
          } catch {
            stop()
            return fail(unreadable(job), true)
          }
          const wasFailing = problems.delete(name)
          if (wasFailing || failures > 0) ring(listener.missed())
          failures = 0
          tell()
          told.resolve()
        },
        fail,
      })
      signal.addEventListener('abort', stop, { once: true })
    }

    signal.addEventListener('abort', () => told.resolve(), { once: true })
    subscribe()
    return told.promise
  }

  return {
    job,
    async subscribe(connection, signal) {
      await Promise.all(listener.subscriptions.map(subscription => keep(connection, subscription, signal)))
    },
    missed: () => ring(listener.missed()),
    report,
  }
}

function unreadable(job: string): WorkerError {
  return new PermanentError('response-shape', {
    found: `The answer to a subscription of ${job} isn't what was asked for`,
    remedy: 'check the proxies between the worker and Hasura, which may change it',
  })
}
