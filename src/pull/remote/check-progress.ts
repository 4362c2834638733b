import { PermanentError } from '../../errors.ts'
import { type Rows, textsAt } from '../../hasura/rows.ts'
import type { Position } from '../../store/schema.ts'
import { compareRows, type ScanOrder } from './scan.ts'

/** Of a page: an order that isn't the one asked for shows in a few rows, and most of a page is never parsed here. */
const comparedRows = 16

/**
 * A page of an order has to go on from where the last one ended.
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
  // Where only the API can compare what stands between them, the ends may still be comparable.
  requireOrder(place, order, position, next)
}

/** @throws PermanentError (`order`) when it is certain that the second comes before the first */
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
    found: `The API gave rows of "${place}" in another order than the one asked for`,
    remedy: 'check that nothing between it and this worker ignores "where" or "order_by", or answers from a cache',
  })
}

export function isSame(position: Position, other: Position): boolean {
  return position.every((value, at) => value === other[at])
}

export function samePage(place: string): PermanentError {
  return new PermanentError('response-shape', {
    found: `The API gave the same page of "${place}" twice`,
    remedy: 'something in front of it answers from a cache, or ignores "where"',
  })
}
