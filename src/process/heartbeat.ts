import type { Log } from '../log.ts'
import { explainLack } from '../store/lost-connection.ts'
import type { Clock } from '../time/clock.ts'
import { repeat } from '../time/repeat.ts'

const everyMs = 1_000
/** After a beat without an answer, the next one uses another connection. */
const againMs = 200
/** A process that isn't heard acts before the others declare it dead, so that no run continues beside its successor. */
const silentShare = 0.75
/** How long the current beat may take on disposal, in milliseconds. */
const stopWithinMs = 500

export interface HeartbeatDeps {
  readonly clock: Clock
  readonly log: Log
  /** Sends one beat; rejects if it isn't answered within its own time limit. */
  beat(): Promise<void>
  /**
   * No beat sent in the last `silentMs` has been answered.
   *
   * @param lateMs how late this process sent one, if that is most of this time: something kept it from working
   */
  onSilent(silentMs: number, lateMs: number | undefined): void
  /** A beat was answered again. */
  onHeard(): void
}

/**
 * Keeps a process alive for the others: one beat a second, which waits for nothing else. The time without an answer counts from
 * when the last answered beat was *sent*, because the store can't have started to count earlier.
 *
 * @param lifeMs after this time without a beat, the others declare the process dead
 * @throws what the first beat throws
 */
export async function startHeartbeat(deps: HeartbeatDeps, lifeMs: number): Promise<AsyncDisposable> {
  const { clock, log } = deps
  const silentMs = lifeMs * silentShare
  const stopped = new AbortController()
  let heard: Watch | undefined
  let isSilent = false
  /** When the next beat is due; undefined while one waits for its answer. */
  let dueAt: number | undefined
  /** The most that a beat was late since the last answer. */
  let lateMs = 0

  /** Fires if no beat, including the next one, has been answered for that long. */
  function watch(): Watch {
    const over = new AbortController()
    const started = { hasGoneOff: false, stop: () => over.abort() }
    clock.sleep(silentMs, AbortSignal.any([over.signal, stopped.signal])).then(
      () => {
        started.hasGoneOff = true
        if (started === heard) fallSilent()
      },
      () => {},
    )
    return started
  }

  function noteLateness(): void {
    if (dueAt !== undefined) lateMs = Math.max(lateMs, clock.elapsed() - dueAt)
  }

  async function beatOnce(): Promise<void> {
    noteLateness()
    dueAt = undefined
    const sent = watch()
    try {
      await deps.beat()
    } catch (error) {
      sent.stop()
      throw error
    }
    heard?.stop()
    heard = sent
    // An answer that took this long says nothing about the present.
    if (sent.hasGoneOff) return fallSilent()
    lateMs = 0
    if (!isSilent) return
    isSilent = false
    deps.onHeard()
  }

  function fallSilent(): void {
    if (isSilent) return
    isSilent = true
    noteLateness()
    deps.onSilent(silentMs, lateMs > silentMs / 2 ? lateMs : undefined)
  }

  function wait(ms: number): number {
    dueAt = clock.elapsed() + ms
    return ms
  }

  await beatOnce()
  let failures = 0
  const beats = repeat(
    clock,
    async ({ signal }) => {
      try {
        await beatOnce()
        failures = 0
      } catch (error) {
        failures += 1
        // One line per outage.
        if (failures === 1 && !signal.aborted)
          log.warn({ error: explainLack(error) }, 'the store did not answer a heartbeat')
      }
      return wait(failures > 0 && !isSilent ? againMs : everyMs)
    },
    { firstAfterMs: wait(everyMs), stopWithinMs },
  )
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort()
      await beats[Symbol.asyncDispose]()
    },
  }
}

interface Watch {
  readonly hasGoneOff: boolean
  stop(): void
}
