import { CycleCheck } from '../../outgoing/cycle-check.ts'
import type { Position } from '../../store/schema.ts'
import type { PullRun } from '../pull-run.ts'
import { findKeyAt } from '../remote/ask-table.ts'
import { outOfOrder, requireOrder } from '../remote/check-progress.ts'
import { createRowLimit } from '../remote/row-limit.ts'
import { cutRange, type FullRead, type RangeState } from './full-read-record.ts'

/** A range during its read. Another reader may take over its second half: `state.upTo` then moves closer. */
export interface OpenRange {
  state: RangeState
  /** The maximum number of remaining rows. */
  rowsLeft: number
  /** Its new end is being recorded; until then the range isn't done, or a run that resumes would miss the rest. */
  cutting?: Promise<unknown>
}

/** The ranges of a full read that still have to be read. */
export interface OpenRanges {
  /** @returns undefined if so little is left that other readers will soon be done */
  take(): Promise<OpenRange | undefined>
  /** It was read to its end. */
  close(range: OpenRange): void
}

/** A query per range is cheap then, and before a range is read, the key at the end of the next one is known. */
const pagesPerRange = 10

/** With fewer rows, most would be read before another reader had started. */
const pagesWorthHalving = 8

/** Pages that may have been requested after the one that a range has reached. */
const pagesAhead = 3

/**
 * Hands out the known ranges, then what comes after them, cut at each key that is a given number of rows ahead, and finally
 * halves of what others still read. No row count is needed, and all readers finish at about the same time. If the API can't cut,
 * everything is one range.
 */
export function openRanges(
  { remote: table, context, ranges }: Pick<PullRun, 'remote' | 'context' | 'ranges'>,
  read: FullRead,
  signal: AbortSignal,
): OpenRanges {
  const length = pagesPerRange * table.pageSize
  const canCut = ranges > 1 && !(read.total !== undefined && read.total <= length)
  const open = new Set<OpenRange>()
  const halving = new Set<OpenRange>()
  let greatest = read.ranges.at(-1)?.range ?? 0

  const limit = createRowLimit(table, {}, read.total)
  const findKey = async ({ position, behind, upTo }: RangeState, offset: number): Promise<Position | undefined> => {
    if (!canCut) return undefined
    const from = position ?? behind
    const key = await findKeyAt(table, { behind: from, upTo }, offset, signal)
    if (!key) return undefined
    requireOrder(table.place, table.key, from, key)
    requireOrder(table.place, table.key, key, upTo)
    // Counts the announced rows, because ranges that turn out to be empty would never end either.
    await limit.add(offset + 1, signal)
    return key
  }

  /** @returns the range that ends at the key, and the one that starts there */
  const cutAt = (key: Position, state: RangeState): readonly [RangeState, RangeState] => {
    greatest += 1
    const rest = { range: greatest, behind: key, upTo: state.upTo, position: undefined, rows: 0, done: false }
    return [{ ...state, upTo: key }, rest]
  }
  const save = (cut: ReturnType<typeof cutAt>): Promise<void> =>
    context.transaction(tx => cutRange(tx, read.id, ...cut))

  async function* findRanges(): AsyncGenerator<RangeState, undefined> {
    const left = read.ranges.filter(({ done }) => !done)
    let rest = left.find(({ upTo }) => upTo === undefined)
    let asked = rest && begin(findKey(rest, length - 1))
    const keys = new CycleCheck()
    yield* left.filter(({ upTo }) => upTo !== undefined)
    while (rest) {
      const key = await asked
      if (!key) {
        yield rest
        return
      }
      if (keys.meets(JSON.stringify(key))) throw outOfOrder(table.place)
      const cut = cutAt(key, rest)
      rest = cut[1]
      asked = begin(findKey(rest, length - 1))
      await save(cut)
      yield cut[0]
    }
  }
  const found = findRanges()

  const halve = async (range: OpenRange): Promise<OpenRange | undefined> => {
    const rows = Math.ceil(Math.min(range.rowsLeft, 2 * length) / 2)
    const { rows: before } = range.state
    const key = await findKey(range.state, rows - 1)
    if (!key) range.rowsLeft = Math.min(range.rowsLeft, rows)
    const readMeanwhile = range.state.rows - before
    if (!key || range.state.done || readMeanwhile + pagesAhead * table.pageSize > rows) return undefined
    const rowsLeft = range.rowsLeft + readMeanwhile - rows
    const cut = cutAt(key, range.state)
    range.state = cut[0]
    range.rowsLeft = rows - readMeanwhile
    range.cutting = begin(save(cut))
    await range.cutting
    return { state: cut[1], rowsLeft }
  }

  const takeHalf = async (): Promise<OpenRange | undefined> => {
    for (;;) {
      const [longest] = [...open]
        .filter(range => !range.state.done && !halving.has(range))
        .sort((a, b) => b.rowsLeft - a.rowsLeft)
      if (!longest || longest.rowsLeft < pagesWorthHalving * table.pageSize) return undefined
      halving.add(longest)
      const half = await halve(longest).finally(() => halving.delete(longest))
      if (half) return half
    }
  }

  return {
    async take() {
      const { value: state } = await found.next()
      const range = state ? { state, rowsLeft: state.upTo ? length : Number.POSITIVE_INFINITY } : await takeHalf()
      if (range) open.add(range)
      return range
    },
    close: range => open.delete(range),
  }
}

/** Its failure is handled when it is awaited. */
function begin<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
