import type { UntypedDocument } from '../../hasura/derive-documents.ts'
import type { PullRun } from '../pull-run.ts'
import { type Page, readPages } from '../remote/read-pages.ts'
import { upTo } from '../remote/scan.ts'
import { type FullRead, type RangeState, type SaveProgress, saveRange } from './full-read-record.ts'

/**
 * Reads what is left of all ranges at once, each page by page. The first failure ends all of them, and what was committed
 * stays.
 *
 * @param keep commits one page, or what comes behind the last one, with `save` in its transaction
 */
export async function readRanges(
  { remote: table, context: { signal, progress } }: Pick<PullRun, 'remote' | 'context'>,
  document: UntypedDocument,
  read: FullRead,
  keep: (page: Page | undefined, save: SaveProgress) => Promise<void>,
): Promise<void> {
  const doneBefore = read.ranges.reduce((sum, { rows }) => sum + rows, 0)
  let done = doneBefore
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
      await keep(page, condition => saveRange(read.id, reached, condition))
      done += page.rows.count
      progress({ done, doneBefore, ...(read.total !== undefined && { total: read.total }) })
      if (page.isLast) return
    }
    const end = { range, position, rows, done: true }
    await keep(undefined, condition => saveRange(read.id, end, condition))
  }
  const open = read.ranges.filter(({ done }) => !done)
  await Promise.all(open.map(state => readOne(state).catch(error => failed.abort(error))))
  signal.throwIfAborted()
  failed.signal.throwIfAborted()
}
