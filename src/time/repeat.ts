import { type Clock, settlesWithin } from './clock.ts'

/** Something that is done again and again until it is disposed. */
export interface Repetition extends AsyncDisposable {
  /** The next turn doesn't wait for the end of its pause. */
  ring(): void
}

export interface Turn {
  /** Aborted when no further turn comes. */
  readonly signal: AbortSignal
  /** Somebody rang since the last turn began. */
  readonly isAsked: boolean
}

/**
 * Takes one turn after the other, each after the pause that the one before has asked for. When it is disposed it waits for the turn
 * under way.
 *
 * @param turn resolves to milliseconds; it must not reject
 * @param options.firstAfterMs default at once
 * @param options.stopWithinMs how long the turn under way is waited for when it is disposed; default until its end
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
