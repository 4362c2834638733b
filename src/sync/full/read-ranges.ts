import type { UntypedDocument } from '../../hasura/derive-documents.ts'
import type { PullRun } from '../pull-run.ts'
import { type Page, readPages } from '../remote/read-pages.ts'
import { upTo } from '../remote/scan.ts'
import { type FullRead, type RangeState, type SaveProgress, saveRange } from './full-read-record.ts'

/**
 * Reads what is left of all ranges at once, each page by page. The first failure ends all of them, and what was committed
 * stays.
 *
 * @param prepare gives what commits one page, or what comes behind the last one, with `save` in its transaction; it is called
 *   while the page before is being written
 */
export async function readRanges(
  { remote: table, context: { signal, progress } }: Pick<PullRun, 'remote' | 'context'>,
  document: UntypedDocument,
  read: FullRead,
  prepare: (page: Page | undefined, save: SaveProgress) => () => Promise<void>,
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
    let isDone = false
    let writing = Promise.resolve()
    const write = async (page: Page | undefined): Promise<void> => {
      rows += page?.rows.count ?? 0
      position = page?.next ?? position
      isDone = page?.isLast ?? true
      const reached = { range, position, rows, done: isDone }
      const commit = prepare(page, condition => saveRange(read.id, reached, condition))
      await writing
      writing = commit().then(() => {
        done += page?.rows.count ?? 0
        progress({ done, doneBefore, ...(read.total !== undefined && { total: read.total }) })
      })
      // Its failure is met when it is awaited.
      writing.catch(() => {})
    }
    try {
      for await (const page of readPages(table, from, abort)) {
        abort.throwIfAborted()
        await write(page)
        if (isDone) break
      }
      if (!isDone) await write(undefined)
    } finally {
      await writing
    }
  }
  const open = read.ranges.filter(({ done }) => !done)
  await Promise.all(open.map(state => readOne(state).catch(error => failed.abort(error))))
  signal.throwIfAborted()
  failed.signal.throwIfAborted()
}
