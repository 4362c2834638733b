import { CycleCheck } from '../../outgoing/cycle-check.ts'
import type { Position } from '../../store/schema.ts'
import type { PullRun } from '../pull-run.ts'
import { findKeyAt } from '../remote/ask-table.ts'
import { outOfOrder, requireOrder } from '../remote/check-progress.ts'
import { createRowLimit } from '../remote/row-limit.ts'
import { cutRange, type FullRead, type RangeState } from './full-read-record.ts'

/** A range while it is read. Somebody else may take over its second half: `state.upTo` comes nearer then. */
export interface OpenRange {
  state: RangeState
  /** How many rows it still has, at most. */
  rowsLeft: number
  /** That it ends sooner is being written down; before that it isn't done, or a run that goes on would miss the rest of it. */
  cutting?: Promise<unknown>
}

/** The ranges of a full read that are left to be read. */
export interface OpenRanges {
  /** @returns undefined when so little is left that it will soon have been read by others */
  take(): Promise<OpenRange | undefined>
  /** It was read to its end. */
  close(range: OpenRange): void
}

/** A question each is little then; and before a range is read, the key at the end of the next one is known. */
const pagesPerRange = 10

/** Of fewer, most would be read before somebody else has begun. */
const pagesWorthHalving = 8

/** So many pages may have been asked for behind the one that a range has reached. */
const pagesAhead = 3

/**
 * Gives out the ranges that are known, then what lies behind them, cut at each key that is so many rows further on, and in the
 * end halves of what others still read. So nobody has to know how many rows there are, and all who read are done at about the
 * same time. What the API can't cut is one range.
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
    // So many rows are said to be before it: ranges that turn out to be empty would never end either.
    await limit.add(offset + 1, signal)
    return key
  }

  /** @returns the range that ends at the key, and the one that begins behind it */
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

/** Its failure is met when it is awaited. */
function begin<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {})
  return promise
}
