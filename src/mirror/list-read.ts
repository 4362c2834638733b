import type { JobContext } from '../definitions/define-job.ts'
import type { RunCounts } from '../states.ts'
import type { MirrorRows, RowKey } from './mirror-rows.ts'

/**
 * Reads everything that an account may see, page by page, into one mirror table. Each page is committed on its own. An
 * interrupted read doesn't show which rows are gone, so it marks none, and the next run starts again.
 */
export interface ListRead<R> {
  /** Commits one page, if this run still holds its lease. */
  write(rows: readonly R[]): Promise<void>
  /**
   * Marks rows that were in none of the pages as deleted. Call it only after the last page.
   *
   * @param isGone asks the API whether one of the missing rows is gone: a list that is read by offset skips a row when an earlier
   *   one is deleted during the read, and a list gets shorter when the account may see less
   */
  finish(isGone: (key: RowKey) => Promise<boolean>): Promise<void>
  /** What was committed so far. */
  readonly counts: ListCounts
}

type ListCounts = Required<Omit<RunCounts, 'pages'>>

/**
 * Starts a read into a table that no other job writes. One run may have several, each into its own table.
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
  // Keyed by text, so that a repeated key is kept once. A hundred thousand keys take about ten megabytes.
  const met = new Map<string, RowKey>()
  const counts = { read: 0, inserted: 0, updated: 0, unchanged: 0, deleted: 0, revived: 0 }
  return {
    async write(rows) {
      signal.throwIfAborted()
      const beganAt = clock.elapsed()
      const { inserted, updated, revived } = await transaction(tx => table.write(tx, account, rows)).catch(
        async (error: unknown) => {
          throw await table.explain(error, rows, transaction)
        },
      )
      const changed = inserted + updated + revived
      pageWritten({ table: table.into, read: rows.length, changed, durationMs: clock.elapsed() - beganAt })
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
      // One at a time: there are few, and the account's other jobs share the API's limit.
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
 * The total counts of a run that reads into several tables.
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
