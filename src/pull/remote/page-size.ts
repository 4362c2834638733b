/** A page should be read and written within a few seconds, and four pages should fit into memory. */
const wantedBytes = 8 * 2 ** 20
const wantedMs = 5_000
/** A slow response may have causes other than the page size: fewer rows than this don't make it faster. */
const leastRowsForTime = 50

export interface MeasuredPage {
  readonly rows: number
  readonly bytes: number
  readonly ms: number
}

/** How many rows to request next: fewer if the last page was large or slow, otherwise more, up to `most`. */
export function nextPageSize(size: number, { rows, bytes, ms }: MeasuredPage, most: number): number {
  const byBytes = (rows * wantedBytes) / Math.max(1, bytes)
  const byTime = Math.max(leastRowsForTime, (rows * wantedMs) / Math.max(1, ms))
  return Math.max(1, Math.min(most, size * 2, Math.floor(Math.min(byBytes, byTime))))
}
