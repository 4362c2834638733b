import type { UntypedDocument } from '../../hasura/derive-documents.ts'
import type { FencedTransaction } from '../../store/store.ts'
import { type Page, readPages } from '../remote/read-pages.ts'
import type { RemoteTable } from '../remote/remote-table.ts'
import { upTo } from '../remote/scan.ts'
import { type FullRead, type RangeState, saveRange } from './full-read-record.ts'

/** Writes down, in the transaction that keeps a page, that the page's range has been read so far. */
export type SaveProgress = (tx: FencedTransaction) => Promise<void>

/**
 * Reads what is left of all ranges at once, each page by page. The first failure ends all of them, and what was committed
 * stays.
 *
 * @param keep commits one page, or what comes behind the last one, with `save` in its transaction
 */
export async function readRanges(
  table: RemoteTable,
  document: UntypedDocument,
  read: FullRead,
  signal: AbortSignal,
  keep: (page: Page | undefined, save: SaveProgress) => Promise<void>,
): Promise<void> {
  const failed = new AbortController()
  const abort = AbortSignal.any([signal, failed.signal])
  const readOne = async (state: RangeState): Promise<void> => {
    const { range, behind } = state
    const where = state.upTo ? upTo(table.key, state.upTo) : {}
    let { position, rows } = state
    const from = { document, order: table.key, where, position: position ?? behind }
    for await (const page of readPages(table, from, abort)) {
      abort.throwIfAborted()
      rows += page.rows.count
      position = page.next
      const reached = { range, position, rows, done: page.isLast }
      await keep(page, tx => saveRange(tx, read.id, reached))
      if (page.isLast) return
    }
    await keep(undefined, tx => saveRange(tx, read.id, { range, position, rows, done: true }))
  }
  const open = read.ranges.filter(({ done }) => !done)
  const endings = await Promise.allSettled(
    open.map(state =>
      readOne(state).catch(error => {
        failed.abort(error)
        throw error
      }),
    ),
  )
  signal.throwIfAborted()
  if (failed.signal.aborted) throw failed.signal.reason
  const rejected = endings.find(ending => ending.status === 'rejected')
  if (rejected) throw rejected.reason
}
