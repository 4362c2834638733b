import type { Log } from '../log.ts'
import type { Clock } from '../time/clock.ts'

/** How long an aborted job may take to end before it is told, in milliseconds: less than a stopping worker waits for it. */
const endsWithinMs = 1_500

/** Says once that a job goes on after its run was aborted: until it ends, it keeps its line and its concurrency slot. */
export function watchAborted(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  signal: AbortSignal,
): Disposable {
  let over: AbortController | undefined
  const watch = () => {
    over = new AbortController()
    clock.sleep(endsWithinMs, over.signal).then(
      () =>
        log.warn(
          'the run was aborted, but its job has not ended, so its line waits: pass context.signal on to everything that it awaits, and restart the worker if it never ends',
        ),
      () => {},
    )
  }
  signal.addEventListener('abort', watch, { once: true })
  return {
    [Symbol.dispose]() {
      signal.removeEventListener('abort', watch)
      over?.abort()
    },
  }
}
