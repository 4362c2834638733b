import { describeError, type Log } from '../log.ts'
import { type LineName, lineKey } from '../runs/line.ts'
import { createTurns, type Turn } from '../runs/turns.ts'
import { type Clock, settlesWithin } from '../time/clock.ts'
import { createOncePerMinute } from '../time/once-per-minute.ts'

/** Where a process runs requests, up to a number at a time. */
export interface Dispatcher {
  /** Runs the requests of a line as soon as a slot is free; resolves after its runs. */
  serve(line: LineName): Promise<void>
  /** The same for several lines, once each and only while slots are free. The next look finds the others. */
  offer(lines: readonly LineName[]): void
  /**
   * Takes no more lines, waits up to `graceMs` for active runs, then aborts them.
   *
   * @param reason default: the worker is shutting down
   */
  stop(graceMs: number, reason?: Error): Promise<void>
}

export interface DispatcherDeps {
  readonly clock: Clock
  readonly log: Log
  /** Concurrent runs. */
  readonly slots: number
  /**
   * Claims the line and runs its requests until its turn ends.
   *
   * @returns whether it claimed anything
   */
  run(line: LineName, signal: AbortSignal, turn: Turn): Promise<boolean>
  /** Looks for lines beyond those that were offered. */
  lookAgain(): void
}

/** How long aborted runs may take to end, in milliseconds. */
const abortedMs = 2_000
const shuttingDown = 'The run was stopped, because the worker is shutting down.'

export function createDispatcher({ clock, log, slots, run, lookAgain }: DispatcherDeps): Dispatcher {
  const waiting = new Map<string, { readonly line: LineName; readonly ended: PromiseWithResolvers<void> }>()
  const running = new Set<Promise<void>>()
  const stopping = new AbortController()
  const aborting = new AbortController()
  const turns = createTurns({ clock, stopping: stopping.signal })
  /** There were more lines than could be taken. */
  let mayBeMore = false
  // While the store is down, every line fails.
  const isNew = createOncePerMinute(clock)

  function serve(line: LineName): Promise<void> {
    const name = lineKey(line)
    const known = waiting.get(name)
    if (known) return known.ended.promise
    const ended = Promise.withResolvers<void>()
    waiting.set(name, { line, ended })
    startNext()
    return ended.promise
  }

  function startNext(): void {
    for (const [name, { line, ended }] of waiting) {
      if (running.size >= slots && !stopping.signal.aborted) return
      waiting.delete(name)
      if (stopping.signal.aborted) ended.resolve()
      else start(line, ended.resolve)
    }
  }

  function start(line: LineName, onEnd: () => void): void {
    const work = run(line, aborting.signal, turns.begin(line))
      .catch(error => {
        if (isNew(describeError(error).code)) {
          log.warn({ error, ...line }, 'a line could not be served; the worker tries again')
        }
        return false
      })
      .then(claimed => {
        running.delete(work)
        onEnd()
        startNext()
        // Looking again after nothing was claimed would return the same lines endlessly.
        if (!claimed || !mayBeMore || waiting.size > 0) return
        mayBeMore = false
        lookAgain()
      })
    running.add(work)
  }

  return {
    serve,
    offer(lines) {
      const fresh = lines.filter(line => !waiting.has(lineKey(line)))
      // Lines that weren't taken come before one that just had its turn; otherwise that one would always be next.
      const room = mayBeMore && waiting.size > 0 ? 0 : Math.max(0, 2 * slots - running.size - waiting.size)
      mayBeMore ||= fresh.length > room
      for (const line of fresh.slice(0, room)) void serve(line)
    },
    async stop(graceMs, reason = new DOMException(shuttingDown, 'AbortError')) {
      stopping.abort()
      startNext()
      if (await settlesWithin(clock, graceMs, Promise.all(running))) return
      aborting.abort(reason)
      await settlesWithin(clock, abortedMs, Promise.all(running))
    },
  }
}
