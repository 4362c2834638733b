import { type Checkpoint, saveRungHigh } from './checkpoint.ts'
import { beganAt, comparableAs, rungBound } from './cursor-bound.ts'
import { endsScan, greatestSeen, type Scanned } from './incremental-scan.ts'
import { type PullCursor, type PullRun, writeRows } from './pull-run.ts'
import { readPages } from './remote/read-pages.ts'
import { from } from './remote/scan.ts'

/**
 * Reads from the greatest cursor seen, including ties. It doesn't change the checkpoint of scheduled scans: they look back from
 * where the last of them started, and so find late commits, however often doorbell scans run in between.
 */
export async function scanRung(run: PullRun, cursor: PullCursor, before: Checkpoint): Promise<Scanned> {
  const { context, remote, key, counts } = run
  const { order } = cursor
  const bound = rungBound(cursor, before, run.openedAt)
  const where = bound === undefined ? {} : from(order, bound)
  const highBefore = before.rungHigh ?? before.high
  let high = highBefore
  let reached: string | undefined
  let scanStartedAt: string | undefined
  let longest = 0
  const read = { document: remote.rows, order, where, longest: before.longestPage }
  for await (const page of readPages(remote, read, context.signal)) {
    scanStartedAt ??= beganAt(page.serverDate, run.openedAt)
    reached = page.next[0]
    high = greatestSeen(page, cursor, Date.parse(scanStartedAt)) ?? high
    const isComplete = page.isLast || endsScan(page, longest, cursor, { high, highBefore, scanStartedAt })
    longest = Math.max(longest, page.rows.count)
    await writeRows(run, page.rows, saveRungHigh(key, high, comparableAs(cursor)))
    context.progress({ done: counts.read })
    context.signal.throwIfAborted()
    if (isComplete) break
  }
  return { from: bound, to: reached }
}
