import { setTimeout as sleep } from 'node:timers/promises'
import { HasuraError } from '../hasura-error.ts'

export interface Polling {
  /** Milliseconds between two polls. */
  readonly refetchMs: number
  /** Additional milliseconds before each poll. */
  delayMs(): number
}

/** Polls a query until it is stopped, and sends a payload only if it differs from the last one. */
export interface LiveQuery {
  stop(): void
  /** Treats all changes since the last poll as sent, as if the server had evicted its queue. */
  evict(): void
  /** Resolves when it has polled once more, from the beginning, and sent what it found. */
  polled(): Promise<void>
}

/** @param look returns the payload, or undefined if there is none */
export function startLiveQuery(
  look: () => Promise<string | undefined>,
  send: (payload: string) => void,
  { refetchMs, delayMs }: Polling,
): LiveQuery {
  const stopped = new AbortController()
  let last: string | undefined
  let isEvicted = false
  let waiting: (() => void)[] = []

  async function poll(): Promise<void> {
    for (;;) {
      const wasEvicted = isEvicted
      const polled = waiting
      isEvicted = false
      waiting = []
      const payload = await look().catch(failed)
      if (stopped.signal.aborted) return
      if (payload !== undefined && payload !== last) {
        last = payload
        if (!wasEvicted) send(payload)
      }
      for (const resolve of polled) resolve()
      await sleep(refetchMs + delayMs(), undefined, { signal: stopped.signal })
    }
  }

  poll().catch(() => {})
  return {
    stop: () => stopped.abort(),
    evict() {
      isEvicted = true
    },
    polled: () => new Promise(resolve => waiting.push(resolve)),
  }
}

/** An error during a poll is a payload like any other. */
function failed(error: unknown): string {
  return error instanceof HasuraError ? error.toBody() : new HasuraError('unexpected', String(error)).toBody()
}
