import { OutageError, RateLimitedError, type WorkerError } from '../errors.ts'

/**
 * Milliseconds until the next try: 1, 2, 4 … seconds, or what the API asked for if that is longer.
 *
 * @param failures before this one, in a row
 */
export function pauseAfter(error: WorkerError, failures: number, longestMs: number): number {
  const asked = error instanceof RateLimitedError || error instanceof OutageError ? error.retryAfterMs : undefined
  return Math.max(Math.min(longestMs, 1_000 * 2 ** Math.min(failures, 20)), asked ?? 0)
}
