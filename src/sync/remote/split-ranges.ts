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
  const rows =
    total ?? (await estimateRows(async count => (await findKeyAt(table, count - 1, signal)) !== undefined, worthwhile))
  if (rows < worthwhile) return []
  const ends = Array.from({ length: ranges - 1 }, (_, index) => Math.floor((rows * (index + 1)) / ranges))
  const keys = await Promise.all(ends.map(end => findKeyAt(table, end - 1, signal)))
  return keys.filter(key => key !== undefined)
}

/**
 * How many rows there are, at most a hundredth too few: the ranges are read side by side, so that each percent by which the last
 * one is longer is a percent of the whole time. It quadruples the number until there are fewer, and then narrows the gap by
 * asking for seven numbers in it at once.
 *
 * @param hasAtLeast whether there are so many rows
 * @param least fewer aren't told from none
 */
export async function estimateRows(hasAtLeast: (rows: number) => Promise<boolean>, least: number): Promise<number> {
  let low = 0
  let high = least
  while (await hasAtLeast(high)) {
    low = high
    high *= 4
  }
  for (let round = 0; round < 3 && low > 0; round += 1) {
    const step = (high - low) / 8
    const steps = [low, ...Array.from({ length: 7 }, (_, index) => Math.floor(low + step * (index + 1))), high]
    const answers = await Promise.all(steps.slice(1, -1).map(hasAtLeast))
    // One that can't be answered is taken for no, but a yes behind it says more.
    const reached = answers.lastIndexOf(true) + 1
    low = steps[reached] ?? low
    high = steps[reached + 1] ?? high
  }
  return low
}
