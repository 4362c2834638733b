import type { Clock } from './clock.ts'

const minuteMs = 60_000

/** Lets each key pass once a minute, such as a failure that would otherwise fill the log. The keys must be few. */
export function createOncePerMinute(clock: Pick<Clock, 'elapsed'>): (key: string) => boolean {
  const passedAt = new Map<string, number>()
  return key => {
    const now = clock.elapsed()
    if (now - (passedAt.get(key) ?? Number.NEGATIVE_INFINITY) < minuteMs) return false
    passedAt.set(key, now)
    return true
  }
}
