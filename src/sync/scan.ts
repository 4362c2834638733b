import type { Position } from '../store/schema.ts'
import type { Checkpoint } from './checkpoint.ts'

/** A `where` of Hasura's: what a page may hold. */
export type Where = { readonly [field: string]: unknown }

export interface ScanOrder {
  readonly cursor: string
  readonly key: readonly string[]
  /**
   * The columns whose values are sent as numbers, because their scalar is GraphQL's own Int or Float; every other type takes
   * a text, which keeps all digits.
   */
  readonly sentAsNumbers: ReadonlySet<string>
}

/** Rows in the order of the cursor, ties in the order of the key, so that each row has one place. */
export function orderBy({ cursor, key }: ScanOrder): readonly Record<string, 'asc'>[] {
  return [cursor, ...key.filter(column => column !== cursor)].map(column => ({ [column]: 'asc' }))
}

/**
 * The rows strictly behind a position. The outer `_gte` lets the database use an index on the cursor; the alternatives step
 * over the ties: `(c > C) or (c = C and k1 > K1) or (c = C and k1 = K1 and k2 > K2)`.
 */
export function behind(order: ScanOrder, position: Position): Where {
  const { cursor, key } = order
  const cursorValue = sentValue(order, cursor, position.cursor)
  const keyValues = key.map((column, index) => sentValue(order, column, position.key[index]))
  const ties = key.map((column, index) => ({
    [cursor]: { _eq: cursorValue },
    ...Object.fromEntries(key.slice(0, index).map((equal, at) => [equal, { _eq: keyValues[at] }])),
    [column]: { _gt: keyValues[index] },
  }))
  return { [cursor]: { _gte: cursorValue }, _or: [{ [cursor]: { _gt: cursorValue } }, ...ties] }
}

/** The rows from a lower bound on. */
export function from(order: ScanOrder, bound: string): Where {
  return { [order.cursor]: { _gte: sentValue(order, order.cursor, bound) } }
}

function sentValue(order: ScanOrder, column: string, text: string | undefined): string | number | undefined {
  return order.sentAsNumbers.has(column) ? Number(text) : text
}

/**
 * The lower bound of a new scan: what the last complete scan can't have seen. For instants that is the remote time at which
 * it began, less the lookback (seconds), since a transaction that was open then committed rows with an older time; for
 * numbers the greatest one seen, less the lookback in units. Rows don't move an instant's bound, so one from the year 2099
 * does no harm.
 */
export function lowerBound(
  checkpoint: Checkpoint | undefined,
  kind: 'instant' | 'number' | 'other',
  lookback: number,
): string | undefined {
  if (kind === 'instant') {
    if (!checkpoint?.scannedAt) return undefined
    return new Date(Date.parse(checkpoint.scannedAt) - lookback * 1000).toISOString()
  }
  if (!checkpoint?.scannedAt || !checkpoint.high) return undefined
  if (kind === 'other') return checkpoint.high
  return subtract(checkpoint.high, lookback)
}

/** Of decimal texts of any length, rounded down: a bigint's last digits don't survive JavaScript's numbers. */
function subtract(high: string, lookback: number): string {
  const [whole = '0', fraction] = high.split('.')
  const floor = BigInt(whole) - (fraction && high.startsWith('-') ? 1n : 0n)
  return (floor - BigInt(Math.ceil(lookback))).toString()
}
