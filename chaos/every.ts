import { setTimeout as delay } from 'node:timers/promises'

/** Repeats `work` with pauses until it is disposed; disposal waits for the current turn. */
export function every(pauseMs: () => number, work: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stopped = new AbortController()
  const { signal } = stopped
  const working = (async () => {
    while (!signal.aborted) {
      await work(signal)
      await delay(pauseMs(), undefined, { signal }).catch(() => {})
    }
  })()
  // Disposal throws the error; until then it must not count as unhandled.
  working.catch(() => {})
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await working
    },
  }
}
