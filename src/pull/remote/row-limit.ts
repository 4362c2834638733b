import { PermanentError } from '../../errors.ts'
import { countRows } from './ask-table.ts'
import type { RemoteTable } from './remote-table.ts'
import type { Where } from './scan.ts'

/**
 * More than were inserted since they were counted, or came again because they changed while they were read: a read that brings as
 * many as both has no end.
 */
const freeRows = 1_000_000
const timesTheCount = 10

/** Of one run, whatever is counted, and where the role may not aggregate. The run that resumes has as many again. */
const mostRows = 1_000_000_000

/** Ends a read that brings far more rows than the API counts. */
export interface RowLimit {
  /**
   * So many more rows came, or were said to be there.
   *
   * @throws PermanentError (`endless`)
   */
  add(rows: number, signal: AbortSignal): Promise<void>
}

/**
 * @param where of all that is read
 * @param counted how many rows there were at the beginning, where that is known; they are counted again before the read is ended
 */
export function createRowLimit(table: RemoteTable, where: Where, counted?: number): RowLimit {
  let allowed = counted === undefined ? freeRows : allowedOf(counted)
  let read = 0
  return {
    async add(rows, signal) {
      read += rows
      if (read <= allowed) return
      const count = await countRows(table, where, signal)
      allowed = Math.max(allowed, allowedOf(count))
      if (read > allowed) throw endless(table.place, read, count)
    },
  }
}

function allowedOf(count = mostRows): number {
  return Math.min(mostRows, freeRows + timesTheCount * count)
}

function endless(place: string, read: number, count: number | undefined): PermanentError {
  const counts = count === undefined ? 'and no count of them' : `and counts ${count}`
  return new PermanentError('endless', {
    found: `The API gave ${read} rows of "${place}" without an end, ${counts}`,
    remedy:
      'check what answers in its place; if there really are that many rows, run the job again, and it resumes there',
  })
}
