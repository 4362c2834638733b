import type { Clock } from '../time/clock.ts'
import { type LineName, lineKey } from './line.ts'

/**
 * Decides how long short runs of one line follow each other, each started by the round trip that ends the previous one.
 *
 * After 50 ms, another line of the account goes first if one waits. Every 50 ms, one line of the process gives up its slot, so that
 * a waiting line gets one. If the line that gave it up gets no slot within 100 ms, others are waiting, and every turn ends after 50 ms.
 */
export interface Turns {
  begin(line: LineName): Turn
}

/** Called when a run ends: what follows it. */
export type Turn = () => Next

/**
 * - own: the next run of the line
 * - yield: the same, unless another line of the account waits
 * - end: nothing; the line gives up its slot
 */
export type Next = 'own' | 'yield' | 'end'

const turnMs = 50
/** A line that gave up its slot is back sooner than this unless others wait. */
const backWithinMs = 100
/** After this long the line has no more work, or another process serves it. */
const forgottenAfterMs = 1_000

export function createTurns({ clock, stopping }: { readonly clock: Clock; readonly stopping: AbortSignal }): Turns {
  /** Lines without a slot since they gave theirs up, and when that was; the oldest first. */
  const away = new Map<string, number>()
  let endedAt = Number.NEGATIVE_INFINITY

  function isCrowded(now: number): boolean {
    for (const [name, since] of away) {
      if (now - since < forgottenAfterMs) return now - since >= backWithinMs
      away.delete(name)
    }
    return false
  }

  return {
    begin(line) {
      const name = lineKey(line)
      away.delete(name)
      let since = clock.elapsed()
      return () => {
        const now = clock.elapsed()
        if (stopping.aborted) return 'end'
        if (now - since < turnMs) return 'own'
        if (now - endedAt < turnMs && !isCrowded(now)) {
          since = now
          return 'yield'
        }
        endedAt = now
        away.set(name, now)
        return 'end'
      }
    },
  }
}
