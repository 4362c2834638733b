import { sql } from 'kysely'
import type { RunDeps } from './run-deps.ts'

const pruneEveryMs = 3_600_000

/** Deletes records of runs that ended more than 90 days ago, once an hour, until it is stopped. */
export function startPruning({ store, clock, log }: Pick<RunDeps, 'store' | 'clock' | 'log'>): AsyncDisposable {
  const stopped = new AbortController()
  const pruning = (async () => {
    while (!stopped.signal.aborted) {
      try {
        await sql`delete from worker.runs where finished_at < now() - interval '90 days'`.execute(store)
      } catch (error) {
        log.warn({ error }, 'old runs could not be deleted')
      }
      await clock.sleep(pruneEveryMs, stopped.signal).catch(() => {})
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await pruning
    },
  }
}
