import { setTimeout as sleep } from 'node:timers/promises'

/** Time as a dependency, so that tests check the list of pauses instead of waiting for them. */
export interface Clock {
  /** Milliseconds since the Unix epoch, for instants that others know too. It steps when somebody corrects the machine's clock. */
  now(): number
  /** Milliseconds since some instant, for durations within this process. It never steps. */
  elapsed(): number
  /** Resolves after `ms`; rejects with the signal's reason if it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, signal ? { signal } : {})
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  },
}

/** Whether the work settles within `ms`; if not, it continues in the background. A rejection counts as settled. */
export async function settlesWithin(clock: Clock, ms: number, work: Promise<unknown>): Promise<boolean> {
  const enough = new AbortController()
  const settled = work.then(
    () => true,
    () => true,
  )
  const tooLong = clock.sleep(ms, enough.signal).then(
    () => false,
    () => false,
  )
  try {
    return await Promise.race([settled, tooLong])
  } finally {
    // A pause that nobody waits for any more must not keep the process alive.
    enough.abort()
  }
}
