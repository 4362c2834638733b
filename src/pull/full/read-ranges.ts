import type { UntypedDocument } from '../../hasura/derive-documents.ts'
import type { SaveStatement } from '../../mirror/write-page.ts'
import type { PullRun } from '../pull-run.ts'
import { type Page, readPages } from '../remote/read-pages.ts'
import { createRowLimit } from '../remote/row-limit.ts'
import { type FullRead, type RangeState, saveRange } from './full-read-record.ts'
import { openRanges } from './open-ranges.ts'

/**
 * Reads the rest of a full read: several ranges at once, each page by page. The first failure ends all of them; what was
 * committed stays.
 *
 * @param keep commits one page, or what follows the last one, with `save` in its transaction
 */
export async function readRanges(
  run: Pick<PullRun, 'remote' | 'context' | 'ranges'>,
  document: UntypedDocument,
  read: FullRead,
  keep: (page: Page | undefined, save: SaveStatement) => Promise<void>,
): Promise<void> {
  const { remote: table, context } = run
  const { signal, progress } = context
  const doneBefore = read.ranges.reduce((sum, { rows }) => sum + rows, 0)
  let done = doneBefore
  const failed = new AbortController()
  const abort = AbortSignal.any([signal, failed.signal])
  const ranges = openRanges(run, read, abort)
  const limit = createRowLimit(table, {}, read.total)

  const readInTurn = async (): Promise<void> => {
    let writing = Promise.resolve()
    const write = async (reached: RangeState, page: Page | undefined): Promise<void> => {
      await writing
      writing = keep(page, condition => saveRange(read.id, reached, condition)).then(() => {
        done += page?.rows.count ?? 0
        progress({ done, doneBefore, ...(read.total !== undefined && { total: read.total }) })
      })
      // Its failure is handled when it is awaited.
      writing.catch(() => {})
    }
    try {
      for (let range = await ranges.take(); range; range = await ranges.take()) {
        const open = range
        const { position = open.state.behind } = open.state
        const from = { document, order: table.key, where: {}, position, limit, end: () => open.state.upTo }
        for await (const page of readPages(table, from, abort)) {
          abort.throwIfAborted()
          const rows = open.state.rows + page.rows.count
          open.state = { ...open.state, position: page.next, rows, done: page.isLast }
          open.rowsLeft -= page.rows.count
          if (page.isLast) await open.cutting
          await write(open.state, page)
          if (page.isLast) break
        }
        await open.cutting
        if (!open.state.done) await write({ ...open.state, done: true }, undefined)
        ranges.close(open)
      }
    } finally {
      await writing
    }
  }
  await Promise.all(Array.from({ length: run.ranges }, () => readInTurn().catch(error => failed.abort(error))))
  signal.throwIfAborted()
  failed.signal.throwIfAborted()
}
