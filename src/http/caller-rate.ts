import type { Clock } from '../time/clock.ts'

/** Callers whose rate is remembered; of more, those that have asked longest ago start anew. */
const mostCallers = 10_000
/** So much of a minute's requests may come at once. */
const burstMs = 10_000

/**
 * Lets each caller ask so often in a minute, a sixth of that at once: the generic cell rate algorithm, which remembers one instant
 * for each caller, the one at which all that it has asked for would be used up.
 *
 * @returns milliseconds until the caller may ask again; 0 where it may ask now, which counts
 */
export function createCallerRate(perMinute: number, clock: Pick<Clock, 'now'>): (caller: string) => number {
  const stepMs = 60_000 / perMinute
  const usedUpAt = new Map<string, number>()
  return caller => {
    const now = clock.now()
    const next = Math.max(now, usedUpAt.get(caller) ?? 0) + stepMs
    const waitMs = next - now - Math.max(burstMs, stepMs)
    if (waitMs > 0) return waitMs
    usedUpAt.delete(caller)
    usedUpAt.set(caller, next)
    for (const oldest of usedUpAt.keys()) {
      if (usedUpAt.size <= mostCallers) break
      usedUpAt.delete(oldest)
    }
    return 0
  }
}
