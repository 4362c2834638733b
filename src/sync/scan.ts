import type { Checkpoint, Position } from './checkpoint.ts'

/** A `where` of Hasura's: what a page may hold. */
export type Where = { readonly [field: string]: unknown }

export interface ScanOrder {
  readonly cursor: string
  readonly key: readonly string[]
}

/** Rows in the order of the cursor, ties in the order of the key, so that each row has one place. */
export function orderBy({ cursor, key }: ScanOrder): readonly Record<string, 'asc'>[] {
  return [cursor, ...key.filter(column => column !== cursor)].map(column => ({ [column]: 'asc' }))
}

/**
 * The rows strictly behind a position. The outer `_gte` lets the database use an index on the cursor; the alternatives step
 * over the ties: `(c > C) or (c = C and k1 > K1) or (c = C and k1 = K1 and k2 > K2)`.
 */
export function behind({ cursor, key }: ScanOrder, position: Position): Where {
  const ties = key.map((column, index) => ({
    [cursor]: { _eq: position.cursor },
    ...Object.fromEntries(key.slice(0, index).map((equal, at) => [equal, { _eq: position.key[at] }])),
    [column]: { _gt: position.key[index] },
  }))
  return { [cursor]: { _gte: position.cursor }, _or: [{ [cursor]: { _gt: position.cursor } }, ...ties] }
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

/** Of decimal texts of any length: a bigint's last digits don't survive JavaScript's numbers. */
function subtract(high: string, lookback: number): string {
  return (BigInt(high.split('.')[0] ?? '0') - BigInt(Math.ceil(lookback))).toString()
}
