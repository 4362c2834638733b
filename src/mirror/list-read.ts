import type { JobContext } from '../definitions/define-job.ts'
import type { RunCounts } from '../states.ts'
import type { MirrorRows, RowKey } from './mirror-rows.ts'

/**
 * A read of everything that an account may see, page by page, into one mirror table. Each page is committed by itself; a read
 * that breaks off has told what is there and nothing of what is gone, so nothing is marked then and the next run begins anew.
 */
export interface ListRead<R> {
  /** Commits one page, if this run still holds its lease. */
  write(rows: readonly R[]): Promise<void>
  /**
   * Marks as deleted what was in none of the pages. To be called behind the last page alone.
   *
   * @param isGone asks the API for one of the rows that weren't met: a list that is read by offset loses a row when one before
   *   it is deleted meanwhile, and a list can get shorter because the account may see less
   */
  finish(isGone: (key: RowKey) => Promise<boolean>): Promise<void>
  /** Of what was committed so far. */
  readonly counts: ListCounts
}

type ListCounts = Required<Omit<RunCounts, 'pages'>>

/**
 * Begins a read into a table that no other job writes; one run may have several, each into its own table.
 *
 * @example
 * import { defineJob, mirrorRows, openListRead } from 'hasura-sync-worker'
 * import { z } from 'zod'
 *
 * const shops = mirrorRows({ into: 'shops', key: 'id', columns: { id: 'text', name: 'text' } })
 *
 * export const syncShops = defineJob({
 *   name: 'sync-shops',
 *   payload: z.strictObject({}),
 *   into: shops.into,
 *   async run({ account }, context) {
 *     const read = await openListRead(shops, account.name, context)
 *     await read.write([{ id: 'north', name: 'North' }])
 *     await read.finish(async () => true)
 *     return { counts: read.counts }
 *   },
 * })
 */
export async function openListRead<R>(
  table: MirrorRows<R>,
  account: string,
  context: Pick<JobContext<unknown>, 'transaction' | 'signal' | 'clock' | 'pageWritten'>,
): Promise<ListRead<R>> {
  const { transaction, signal, clock, pageWritten } = context
  await transaction(tx => table.ensure(tx))
  // One text each, so that a key that comes twice is kept once; a hundred thousand take some ten megabytes.
  const met = new Map<string, RowKey>()
  const counts = { read: 0, inserted: 0, updated: 0, unchanged: 0, deleted: 0, revived: 0 }
  return {
    async write(rows) {
      signal.throwIfAborted()
      const beganAt = clock.now()
      const { inserted, updated, revived } = await transaction(tx => table.write(tx, account, rows))
      const changed = inserted + updated + revived
      pageWritten({ table: table.into, read: rows.length, changed, durationMs: clock.now() - beganAt })
      for (const key of rows.map(row => table.keyOf(row))) met.set(JSON.stringify(key), key)
      counts.read += rows.length
      counts.inserted += inserted
      counts.updated += updated
      counts.revived += revived
      counts.unchanged += rows.length - changed
    },
    async finish(isGone) {
      const candidates = await transaction(tx => table.findOthers(tx, account, [...met.values()]))
      const gone: RowKey[] = []
      // One after the other: there are few, and the API's limit is the account's other jobs' as well.
      for (const key of candidates) {
        signal.throwIfAborted()
        if (await isGone(key)) gone.push(key)
      }
      if (gone.length > 0) counts.deleted += await transaction(tx => table.markDeleted(tx, account, gone))
    },
    counts,
  }
}

/**
 * The counts of a run that reads into several tables.
 *
 * @example
 * import { defineJob, mirrorRows, openListRead, totalOf } from 'hasura-sync-worker'
 * import { z } from 'zod'
 *
 * const shops = mirrorRows({ into: 'shops', key: 'id', columns: { id: 'text', name: 'text' } })
 *
 * export const syncShops = defineJob({
 *   name: 'sync-shops',
 *   payload: z.strictObject({}),
 *   into: shops.into,
 *   async run({ account }, context) {
 *     const read = await openListRead(shops, account.name, context)
 *     await read.write([{ id: 'north', name: 'North' }])
 *     await read.finish(async () => true)
 *     return { counts: totalOf(read.counts) }
 *   },
 * })
 */
export function totalOf(...counts: readonly ListCounts[]): ListCounts {
  const sum = (name: keyof ListCounts) => counts.reduce((total, each) => total + each[name], 0)
  return {
    read: sum('read'),
    inserted: sum('inserted'),
    updated: sum('updated'),
    unchanged: sum('unchanged'),
    deleted: sum('deleted'),
    revived: sum('revived'),
  }
}
