import { setTimeout as delay } from 'node:timers/promises'

/** Does something again and again, with a pause between, until it is disposed; what is under way then is waited for. */
export function every(pauseMs: () => number, work: (signal: AbortSignal) => Promise<void>): AsyncDisposable {
  const stopped = new AbortController()
  const { signal } = stopped
  const working = (async () => {
    while (!signal.aborted) {
      await work(signal)
      await delay(pauseMs(), undefined, { signal }).catch(() => {})
    }
  })()
  // Who disposes of it is told of what went wrong; until then nobody listens.
  working.catch(() => {})
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await working
    },
  }
}
