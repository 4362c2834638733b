import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** How long a new process takes on a machine of two cores that does nothing else, in milliseconds. */
const usualMs = 60
const everyMs = 3_000
/** Looks that count: the slowest of them tells. */
const kept = 10

/** How slow the machine is: everything that is judged by the clock is judged by this one. */
export interface Pace extends AsyncDisposable {
  /** A bound that holds on a quiet machine, for this one. */
  bound(ms: number): number
  slowness(): number
}

export async function openPace(): Promise<Pace> {
  const measured: number[] = []
  const look = async (): Promise<void> => {
    const begun = performance.now()
    await once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore' }), 'exit')
    measured.unshift((performance.now() - begun) / usualMs)
    measured.length = Math.min(measured.length, kept)
  }
  await look()
  const stopped = new AbortController()
  const looking = (async () => {
    while (!stopped.signal.aborted) {
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, everyMs)
        stopped.signal.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      })
      if (!stopped.signal.aborted) await look()
    }
  })()
  const slowness = (): number => Math.max(1, ...measured)
  return {
    slowness,
    bound: ms => Math.round(ms * slowness()),
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await looking
    },
  }
}
