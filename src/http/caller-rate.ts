import type { Clock } from '../time/clock.ts'

/** Callers whose rate is tracked. Beyond that, those whose last request is oldest start again. */
const mostCallers = 10_000
/** The share of a minute's requests that may arrive at once. */
const burstMs = 10_000

/**
 * Limits each caller's requests per minute, a sixth of which may arrive at once. This is the generic cell rate algorithm: it
 * stores one instant per caller, at which all its requests would be used up.
 *
 * @returns milliseconds until the caller may send another request; 0 if it may now, which counts as one
 */
export function createCallerRate(perMinute: number, clock: Pick<Clock, 'elapsed'>): (caller: string) => number {
  const stepMs = 60_000 / perMinute
  const usedUpAt = new Map<string, number>()
  return caller => {
    const now = clock.elapsed()
    const next = Math.max(now, usedUpAt.get(caller) ?? 0) + stepMs
    const waitMs = next - now - Math.max(burstMs, stepMs)
    if (waitMs > 0) return waitMs
    usedUpAt.delete(caller)
    usedUpAt.set(caller, next)
    const [oldest = ''] = usedUpAt.keys()
    if (usedUpAt.size > mostCallers) usedUpAt.delete(oldest)
    return 0
  }
}
