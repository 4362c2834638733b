import { sql } from 'kysely'
import { requestBootstraps } from './request-bootstraps.ts'
import type { RunDeps } from './run-deps.ts'

const everyMs = 60_000

/**
 * What has to be looked after while a worker runs for months, once a minute until it is stopped: an account that was
 * forgotten begins anew, and what nobody will ask for any more is deleted.
 */
export function startHousekeeping(deps: RunDeps): AsyncDisposable {
  const { clock, log } = deps
  const stopped = new AbortController()
  const keeping = (async () => {
    while (!stopped.signal.aborted) {
      try {
        await requestBootstraps(deps)
        await prune(deps)
      } catch (error) {
        log.warn({ error }, 'housekeeping is tried again in a minute')
      }
      await clock.sleep(everyMs, stopped.signal).catch(() => {})
    }
  })()
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await keeping
    },
  }
}

/**
 * Runs are kept for 90 days, idempotency keys as long as finished requests, schedules until nobody has served them long; a
 * paused one isn't served, and stays.
 */
async function prune({ store }: RunDeps): Promise<void> {
  await sql`delete from worker.runs where finished_at < now() - interval '90 days'`.execute(store)
  await sql`delete from worker.idempotency_keys where created_at < now() - interval '7 days'`.execute(store)
  await sql`delete from worker.schedules where next_run_at < now() - interval '90 days' and not paused`.execute(store)
  await sql`delete from worker.processes where expires_at < now() - interval '1 day'`.execute(store)
}
