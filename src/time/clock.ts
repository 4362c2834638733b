import { setTimeout as sleep } from 'node:timers/promises'

/** Time as a dependency, so that tests ask for the list of pauses instead of waiting through them. */
export interface Clock {
  /** Milliseconds since 1970. */
  now(): number
  /** Resolves after `ms`; rejects with the signal's reason when it is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  async sleep(ms, signal) {
    try {
      await sleep(ms, undefined, signal ? { signal } : {})
    } catch (error) {
      throw signal?.aborted ? signal.reason : error
    }
  },
}

/** Whether the work settles within `ms`; otherwise it continues in the background. A failure of the work counts as settled. */
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
    // A pause that nobody waits for any more would keep the process alive.
    enough.abort()
  }
}
