import type { Clock } from './clock.ts'

/** Lets each key pass once in `ms` milliseconds, such as a failure that would otherwise fill the log. The keys must be few. */
export function createOncePer(ms: number, clock: Pick<Clock, 'elapsed'>): (key: string) => boolean {
  const passedAt = new Map<string, number>()
  return key => {
    const now = clock.elapsed()
    if (now - (passedAt.get(key) ?? Number.NEGATIVE_INFINITY) < ms) return false
    passedAt.set(key, now)
    return true
  }
}
