import type { Position } from '../../store/schema.ts'
import { findKeyAt } from './ask-table.ts'
import type { RemoteTable } from './remote-table.ts'

/**
 * Keys that divide a table into ranges of about the same number of rows, in their order. None when it is too small for that,
 * or when the API can't be asked for the row at an offset.
 *
 * @param total as far as it is known; otherwise it is felt for
 */
export async function splitRanges(
  table: RemoteTable,
  ranges: number,
  total: number | undefined,
  signal: AbortSignal,
): Promise<readonly Position[]> {
  // Below two pages for each range there is nothing to be won.
  const worthwhile = ranges * table.pageSize * 2
  if (ranges < 2 || !table.derived.keyAt) return []
  const rows = total ?? (await estimateRows(table, worthwhile, signal))
  if (rows < worthwhile) return []
  const ends = Array.from({ length: ranges - 1 }, (_, index) => Math.floor((rows * (index + 1)) / ranges))
  const keys = await Promise.all(ends.map(end => findKeyAt(table, end - 1, signal)))
  return keys.filter(key => key !== undefined)
}

/** Doubles the offset until there is no row, then halves the gap three times: right within an eighth. */
async function estimateRows(table: RemoteTable, least: number, signal: AbortSignal): Promise<number> {
  let present = 0
  let absent = least
  while (await findKeyAt(table, absent - 1, signal)) {
    present = absent
    absent *= 2
  }
  for (let halvings = 0; halvings < 3 && present > 0; halvings += 1) {
    const middle = Math.floor((present + absent) / 2)
    if (await findKeyAt(table, middle - 1, signal)) present = middle
    else absent = middle
  }
  return present
}
