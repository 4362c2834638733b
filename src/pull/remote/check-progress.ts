import { PermanentError } from '../../errors.ts'
import { type Rows, textsAt } from '../../hasura/rows.ts'
import type { Position } from '../../store/schema.ts'
import { compareRows, type ScanOrder } from './scan.ts'

/** Per page: a wrong order shows in a few rows, and most of a page is never parsed here. */
const comparedRows = 16

/**
 * A page must continue after the end of the previous one.
 *
 * @param next the page's last row
 * @throws PermanentError (`response-shape`, `order`)
 */
export function requireProgress(
  place: string,
  order: ScanOrder,
  position: Position | undefined,
  rows: Rows,
  next: Position,
): void {
  if (position && isSame(next, position)) throw samePage(place)
  const step = Math.max(1, Math.ceil(rows.count / comparedRows))
  let before = position
  for (let row = 0; row < rows.count; row += step) {
    const current = textsAt(rows, row, order.columns)
    requireOrder(place, order, before, current)
    before = current
  }
  requireOrder(place, order, before, next)
  // If only the API can compare the rows in between, the ends may still be comparable.
  requireOrder(place, order, position, next)
}

/** @throws PermanentError (`order`) if the second certainly comes before the first */
export function requireOrder(
  place: string,
  order: ScanOrder,
  first: Position | undefined,
  second: Position | undefined,
): void {
  if (first && second && (compareRows(order, first, second) ?? 0) > 0) throw outOfOrder(place)
}

export function outOfOrder(place: string): PermanentError {
  return new PermanentError('order', {
    found: `The API returned rows of "${place}" in a different order than requested`,
    remedy: 'check that nothing between it and this worker ignores "where" or "order_by", or answers from a cache',
  })
}

export function isSame(position: Position, other: Position): boolean {
  return position.every((value, at) => value === other[at])
}

export function samePage(place: string): PermanentError {
  return new PermanentError('response-shape', {
    found: `The API returned the same page of "${place}" twice`,
    remedy: 'something in front of it answers from a cache, or ignores "where"',
  })
}
