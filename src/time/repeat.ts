import { type Clock, settlesWithin } from './clock.ts'

/** Something that repeats until it is disposed. */
export interface Repetition extends AsyncDisposable {
  /** Starts the next turn without waiting for the end of the pause. */
  ring(): void
}

export interface Turn {
  /** Aborted when this is the last turn. */
  readonly signal: AbortSignal
  /** `ring` was called since the last turn started. */
  readonly isAsked: boolean
}

/**
 * Takes one turn after another; each turn sets the pause before the next. Disposal waits for the current turn.
 *
 * @param turn resolves to milliseconds; must not reject
 * @param options.firstAfterMs default: immediately
 * @param options.stopWithinMs how long disposal waits for the current turn; default: until it ends
 */
export function repeat(
  clock: Clock,
  turn: (now: Turn) => Promise<number>,
  { firstAfterMs = 0, stopWithinMs }: { readonly firstAfterMs?: number; readonly stopWithinMs?: number } = {},
): Repetition {
  const stopped = new AbortController()
  let bell = new AbortController()

  async function keepOn(): Promise<void> {
    const { signal } = stopped
    let pauseMs = firstAfterMs
    for (;;) {
      if (pauseMs > 0) await clock.sleep(pauseMs, AbortSignal.any([signal, bell.signal])).catch(() => {})
      if (signal.aborted) return
      const isAsked = bell.signal.aborted
      if (isAsked) bell = new AbortController()
      pauseMs = await turn({ signal, isAsked })
    }
  }

  const turns = keepOn()
  return {
    ring: () => bell.abort(),
    async [Symbol.asyncDispose]() {
      stopped.abort(new DOMException('the process is stopping', 'AbortError'))
      if (stopWithinMs === undefined) await turns
      else await settlesWithin(clock, stopWithinMs, turns)
    },
  }
}
