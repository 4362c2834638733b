/**
 * 1, 2, 4 … seconds, in milliseconds.
 *
 * @param failures before this one, in a row
 */
export function growingPause(failures: number, longestMs: number): number {
  return Math.min(longestMs, 1_000 * 2 ** Math.min(failures, 20))
}
