import { sql } from 'kysely'
import { type Clock, settlesWithin } from '../clock.ts'
import type { Log } from '../log.ts'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'
import type { Line, LineName } from './line.ts'

/** Where a process runs requests: some at a time. */
export interface Dispatcher {
  /** Runs what a line has, when a slot is free; resolves after its run. */
  serve(line: LineName): Promise<void>
  /** Runs what these lines have, as far as slots are free: who waits is found by the next look. */
  offer(lines: readonly LineName[]): void
  /** Asks the store for ready lines, once now and again after each run until there is nothing left. */
  look(): void
  /** Takes nothing more, waits up to `graceMs` for the runs in hand, then aborts them. */
  stop(graceMs: number): Promise<void>
}

export interface DispatcherDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
  readonly processId: string
  /** Runs at a time. */
  readonly slots: number
  /** Claims the line and runs what it got. @returns whether it got anything */
  run(line: LineName, signal: AbortSignal): Promise<boolean>
}

/** How long aborted runs may take to end, in milliseconds. */
const abortedMs = 2_000

export function createDispatcher({ store, clock, log, processId, slots, run }: DispatcherDeps): Dispatcher {
  const running = new Set<Promise<void>>()
  const stopping = new AbortController()
  const aborting = new AbortController()
  const waiting: (() => void)[] = []
  let wanted = false
  let looking = false
  /** The last look found as many lines as there were free slots, so there may be more. */
  let mayBeMore = false

  function start(line: LineName): Promise<void> {
    const work = run(line, aborting.signal)
      .then(claimed => {
        // Asking again after nothing was claimed would ask for the same lines without end.
        if (claimed && mayBeMore) wanted = true
      })
      .catch(error => log.warn({ error, ...line }, 'a line could not be looked at and is looked at again'))
      .finally(() => {
        running.delete(work)
        waiting.shift()?.()
        if (wanted) void lookNow()
      })
    running.add(work)
    return work
  }

  async function lookNow(): Promise<void> {
    const free = slots - running.size
    if (looking || free <= 0 || stopping.signal.aborted) return
    looking = true
    wanted = false
    try {
      const lines = await findReadyLines(store, processId, free)
      mayBeMore = lines.length === free
      for (const line of lines) if (running.size < slots) void start(line)
    } catch (error) {
      log.warn({ error }, 'the store could not be asked for work and is asked again')
    } finally {
      looking = false
      // Somebody asked meanwhile.
      if (wanted && running.size < slots) void lookNow()
    }
  }

  return {
    async serve(line) {
      while (running.size >= slots && !stopping.signal.aborted)
        await new Promise<void>(resolve => waiting.push(resolve))
      if (!stopping.signal.aborted) await start(line)
    },
    offer(lines) {
      for (const line of lines) if (running.size < slots && !stopping.signal.aborted) void start(line)
    },
    look() {
      wanted = true
      void lookNow()
    },
    async stop(graceMs) {
      stopping.abort()
      for (const resume of waiting.splice(0)) resume()
      if (await settlesWithin(clock, graceMs, Promise.all(running))) return
      aborting.abort(new DOMException('The run was stopped, because the worker is shutting down.', 'AbortError'))
      await settlesWithin(clock, abortedMs, Promise.all(running))
    },
  }
}

async function findReadyLines(store: Store, processId: string, limit: number): Promise<readonly Line[]> {
  const { rows } = await sql<Line>`${brief}
    select account, job, fence from worker.ready_lines(${processId}, ${limit})`.execute(store)
  return rows
}
