import { textsAt } from '../hasura/rows.ts'
import { type Checkpoint, saveCheckpoint } from './checkpoint.ts'
import { beganAt, comparableAs, lowerBound, mayEndAt, movesBound } from './cursor-bound.ts'
import { commit, type PullCursor, type PullRun, writeRows } from './pull-run.ts'
import { countRows } from './remote/ask-table.ts'
import { longestAfter, type Page, readPages } from './remote/read-pages.ts'
import { allOf, behind, from } from './remote/scan.ts'

/** The cursors between which rows were looked for; `to` is absent if there was no upper limit. */
export interface Scanned {
  readonly from: string | undefined
  readonly to: string | undefined
}

/** Reads what has changed since the last complete scan, in the order of the cursor, and resumes an interrupted scan. */
export async function scanChanges(run: PullRun, cursor: PullCursor, before: Checkpoint): Promise<Scanned> {
  const { context, remote, key, counts } = run
  const { order } = cursor
  const bound = before.position ? undefined : lowerBound(cursor, before, run.openedAt)
  const where = bound === undefined ? {} : from(order, bound)
  let { high, scanStartedAt } = before
  let reached: string | undefined
  let isComplete = false
  let longest = 0
  let { longestPage = 0 } = before
  const complete = (): Checkpoint => ({
    high,
    position: undefined,
    scanStartedAt: undefined,
    scannedAt: scanStartedAt ?? before.scannedAt,
    longestPage,
  })
  let total: number | undefined
  const read = { document: remote.rows, order, where, position: before.position }
  for await (const page of readPages(remote, read, context.signal)) {
    scanStartedAt ??= beganAt(page.serverDate, run.openedAt)
    reached = page.next[0]
    high = greatestSeen(page, cursor, Date.parse(scanStartedAt)) ?? high
    isComplete = page.isLast || endsScan(page, longest, cursor, { high, highBefore: before.high, scanStartedAt })
    longest = Math.max(longest, page.rows.count)
    longestPage = longestAfter(longestPage, page)
    if (counts.pages === 0 && !page.isLast) {
      total = await countRows(remote, allOf(where, before.position && behind(order, before.position)), context.signal)
    }
    const next = isComplete
      ? complete()
      : { ...complete(), position: page.next, scanStartedAt, scannedAt: before.scannedAt }
    await writeRows(run, page.rows, saveCheckpoint(key, next, comparableAs(cursor)))
    context.progress({ done: counts.read, ...(total !== undefined && { total }) })
    context.signal.throwIfAborted()
    if (isComplete) break
  }
  if (!isComplete) await commit(run, tx => saveCheckpoint(key, complete(), comparableAs(cursor))().execute(tx))
  return { from: before.position?.[0] ?? bound, to: reached }
}

/** The last cursor of a page that may count as the greatest one seen; undefined if there is none. */
export function greatestSeen({ rows }: Page, cursor: PullCursor, now: number): string | undefined {
  for (let row = rows.count - 1; row >= 0; row -= 1) {
    const [value = ''] = textsAt(rows, row, [cursor.column])
    if (movesBound(cursor, value, now)) return value
  }
  return undefined
}

/**
 * A row that changes faster than pages are requested would keep a scan running forever. A page that is shorter than both the
 * requested size and an earlier page held everything there was at that moment, whatever limits pages. The scan may end with it if
 * the next one is certain to find what follows.
 */
export function endsScan(
  page: Page,
  longest: number,
  cursor: PullCursor,
  reached: Parameters<typeof mayEndAt>[2],
): boolean {
  const { rows, asked, next } = page
  return rows.count < Math.min(longest, asked) && mayEndAt(cursor, next[0] ?? '', reached)
}
