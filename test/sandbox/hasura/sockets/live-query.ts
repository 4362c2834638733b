import { setTimeout as sleep } from 'node:timers/promises'
import { HasuraError } from '../hasura-error.ts'

export interface Polling {
  /** Milliseconds between two looks. */
  readonly refetchMs: number
  /** Further milliseconds before each look. */
  delayMs(): number
}

/** A query that is asked again until it is stopped, and sends a payload only when it differs from the last one. */
export interface LiveQuery {
  stop(): void
  /** Whatever has changed since the last look counts as sent, as where the server had dropped its queue. */
  evict(): void
}

/** @param look gives the payload, or undefined where there is none */
export function startLiveQuery(
  look: () => Promise<string | undefined>,
  send: (payload: string) => void,
  { refetchMs, delayMs }: Polling,
): LiveQuery {
  const stopped = new AbortController()
  let last: string | undefined
  let isEvicted = false

  async function poll(): Promise<void> {
    for (;;) {
      const wasEvicted = isEvicted
      isEvicted = false
      const payload = await look().catch(failed)
      if (stopped.signal.aborted) return
      if (payload !== undefined && payload !== last) {
        last = payload
        if (!wasEvicted) send(payload)
      }
      await sleep(refetchMs + delayMs(), undefined, { signal: stopped.signal })
    }
  }

  poll().catch(() => {})
  return {
    stop: () => stopped.abort(),
    evict() {
      isEvicted = true
    },
  }
}

/** What goes wrong while it is asked again is a payload like any other. */
function failed(error: unknown): string {
  return error instanceof HasuraError ? error.toBody() : new HasuraError('unexpected', String(error)).toBody()
}
