import { sql } from 'kysely'
import type { RunDeps } from './run-deps.ts'

/** Callers that wait for requests to end. One query serves all of them. */
export interface RequestEnds {
  /** Resolves when the request has ended or is gone, after `ms`, or when the signal is aborted; the caller finds out which. */
  wait(id: string, ms: number, signal: AbortSignal): Promise<void>
}

/** Milliseconds between looks while someone waits. */
const lookEveryMs = 500

export function createRequestEnds({ store, clock }: Pick<RunDeps, 'store' | 'clock'>): RequestEnds {
  const waiting = new Map<AbortController, string>()
  let isLooking = false

  async function look(): Promise<void> {
    if (isLooking) return
    isLooking = true
    while (waiting.size > 0) {
      await clock.sleep(lookEveryMs)
      if (waiting.size === 0) break
      // If the store is down, the next look tries again; callers have their own time limit.
      const ended = await findEnded([...new Set(waiting.values())]).catch(() => new Set<string>())
      for (const [over, id] of waiting) if (ended.has(id)) over.abort()
    }
    isLooking = false
  }

  async function findEnded(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { rows } = await sql<{ id: string }>`
      select given.id from unnest(${ids}::text[]) given(id)
      left join worker.requests r on r.id = worker.successor(given.id)
      where r.id is null or r.state not in ('waiting', 'running')`.execute(store)
    return new Set(rows.map(({ id }) => id))
  }

  return {
    async wait(id, ms, signal) {
      const over = new AbortController()
      waiting.set(over, id)
      look().catch(() => {})
      await clock.sleep(ms, AbortSignal.any([signal, over.signal])).catch(() => {})
      waiting.delete(over)
    },
  }
}
