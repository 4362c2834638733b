import { PermanentError } from '../../errors.ts'
import { countRows } from './ask-table.ts'
import type { RemoteTable } from './remote-table.ts'
import type { Where } from './scan.ts'

/**
 * More rows than were inserted since the count, or were repeated because they changed during the read: a read that returns more
 * than both has no end.
 */
const freeRows = 1_000_000
const timesTheCount = 10

/** Rows per run, whatever is counted, also if the role may not aggregate. A run that resumes may read as many again. */
const mostRows = 1_000_000_000

/** Ends a read that returns far more rows than the API counts. */
export interface RowLimit {
  /**
   * Adds rows that were received or announced.
   *
   * @throws PermanentError (`endless`)
   */
  add(rows: number, signal: AbortSignal): Promise<void>
}

/**
 * @param where of everything that is read
 * @param counted how many rows there were at the start, if known; they are counted again before the read is ended
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
    found: `The API returned ${read} rows of "${place}" without an end, ${counts}`,
    remedy:
      'check what answers for the API; if there really are that many rows, run the job again, and it resumes there',
  })
}
