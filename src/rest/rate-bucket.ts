import { RateLimitedError } from '../errors.ts'
import type { Clock } from '../time/clock.ts'
import { boundPause } from '../time/retry-after.ts'
import { parseRateWindow } from './parse-rate-window.ts'
import { mergeWindows, nextSlotAt, type RateWindow } from './rate-window.ts'

/** The requests that an API allows one account, shared by all its jobs in this process. */
export interface RateBucket {
  /**
   * Waits until the account may send its next request.
   *
   * @param longestPauseMs the maximum wait
   * @throws RateLimitedError if it would take longer, or the signal's reason
   */
  enter(signal: AbortSignal, longestPauseMs: number): Promise<void>
  /** Called after each `enter`: what the response said about the limit, or that there was no response. */
  leave(headers: Pick<Headers, 'get'> | undefined): void
  /** Nobody sends anything for this long. */
  pause(ms: number): void
}

export function createRateBucket(clock: Clock): RateBucket {
  let window: RateWindow | undefined
  let lastAt = Number.NEGATIVE_INFINITY
  let pausedUntil = Number.NEGATIVE_INFINITY
  /** Slots that were taken and have no response yet. */
  let open = 0

  /** With nothing left until a reset in days, the API is asked again after the longest pause: its quota may have been raised. */
  function isOver({ remaining, resetAt }: RateWindow, now: number): boolean {
    return now >= resetAt || (remaining <= 0 && now >= lastAt + boundPause(resetAt - lastAt))
  }

  /** Takes the next slot if it is near enough; slots are given in order of arrival. */
  function takeSlot(now: number, longestPauseMs: number): number {
    if (window && isOver(window, now)) window = undefined
    const slotAt = Math.max(nextSlotAt(window, lastAt, now), pausedUntil)
    if (slotAt - now > longestPauseMs) throw tooLong(slotAt - now)
    lastAt = slotAt
    if (window && window.remaining > 0) window = { ...window, remaining: window.remaining - 1 }
    open += 1
    return slotAt
  }

  return {
    async enter(signal, longestPauseMs) {
      signal.throwIfAborted()
      const enteredAt = clock.elapsed()
      let slotAt = takeSlot(enteredAt, longestPauseMs)
      try {
        for (let now = clock.elapsed(); slotAt > now; now = clock.elapsed()) {
          await clock.sleep(slotAt - now, signal)
          // Another job may have been told to wait meanwhile.
          slotAt = Math.max(slotAt, pausedUntil)
          if (slotAt - enteredAt > longestPauseMs) throw tooLong(slotAt - clock.elapsed())
        }
      } catch (error) {
        open -= 1
        throw error
      }
    },
    leave(headers) {
      open -= 1
      const now = clock.now()
      const told = headers && parseRateWindow(headers, now)
      if (!told) return
      // From here on, a correction of the machine's clock changes nothing.
      window = mergeWindows(window, { ...told, resetAt: clock.elapsed() + told.resetAt - now }, open)
    },
    pause(ms) {
      pausedUntil = Math.max(pausedUntil, clock.elapsed() + ms)
    },
  }
}

function tooLong(ms: number): RateLimitedError {
  const pauseMs = boundPause(Math.ceil(ms))
  return new RateLimitedError(`The API asks for a pause of ${Math.ceil(pauseMs / 1_000)} s`, pauseMs)
}
