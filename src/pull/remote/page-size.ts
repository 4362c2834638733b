/** A page should be read and written within a few seconds, and four of them be held in memory. */
const wantedBytes = 8 * 2 ** 20
const wantedMs = 5_000
/** A slow answer may be the fault of anything but the page: fewer rows than this don't make it faster. */
const leastRowsForTime = 50

export interface MeasuredPage {
  readonly rows: number
  readonly bytes: number
  readonly ms: number
}

/** How many rows to ask for next: fewer when the last page was large or slow, more again, up to `most`, when it wasn't. */
export function nextPageSize(size: number, { rows, bytes, ms }: MeasuredPage, most: number): number {
  const byBytes = (rows * wantedBytes) / Math.max(1, bytes)
  const byTime = Math.max(leastRowsForTime, (rows * wantedMs) / Math.max(1, ms))
  return Math.max(1, Math.min(most, size * 2, Math.floor(Math.min(byBytes, byTime))))
}
