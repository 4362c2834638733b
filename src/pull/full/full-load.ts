import { hasRows } from '../../mirror/mirror-table.ts'
import { forgetMissingRows } from '../../mirror/missing-rows.ts'
import type { FencedTransaction } from '../../store/store.ts'
import { type Checkpoint, saveCheckpoint, saveColumns, saveSweep } from '../checkpoint.ts'
import { boundOf, endFullRead } from '../column-versions.ts'
import { beganAt, beginningOfFuture, comparableAs, movesBound } from '../cursor-bound.ts'
import {
  commit,
  insertRows,
  leaveInAnyRows,
  type PullCursor,
  type PullRun,
  writeRows,
  writeRowsAfter,
} from '../pull-run.ts'
import { countRows, findGreatestCursor } from '../remote/ask-table.ts'
import { outOfOrder } from '../remote/check-progress.ts'
import { longestAfter } from '../remote/read-pages.ts'
import { below } from '../remote/scan.ts'
import { beginFullRead, endFullReads, type FullRead, findFullRead, requireMeant } from './full-read-record.ts'
import { readRanges } from './read-ranges.ts'
import { settle } from './settle.ts'
import { stageKeys } from './stage-keys.ts'

/**
 * Reads every row, in concurrent ranges of the key, and compares it with the mirror. Mirrored rows that weren't found are
 * requested by key and marked as deleted. An interrupted load resumes in each of its ranges.
 *
 * @returns the read, with the greatest cursor at its start, and the request whose run began it
 */
export async function loadFully(
  run: PullRun,
  before: Checkpoint | undefined,
  unfinished: FullRead | undefined,
): Promise<FullRead> {
  const { key, cursor, counts, columns } = run
  const read = await openFullRead(run, 'load', unfinished)
  if (read.phase === 'reading') {
    if (read !== unfinished && columns.plan.leaves.length > 0) await commit(run, tx => leaveInAnyRows(tx, run))
    const longestPage = await readRows(run, read)
    const left = read !== unfinished && counts.inserted === 0 && before ? boundOf(before) : undefined
    const done = {
      high: read.high,
      position: undefined,
      scanStartedAt: undefined,
      scannedAt: read.startedAt,
      longestPage,
    }
    await commit(run, async tx => {
      await requireMeant(tx, read)
      await saveCheckpoint(key, done, cursor && comparableAs(cursor))().execute(tx)
      await saveColumns(tx, key, endFullRead(columns.selected, columns.known, columns.plan, left))
    })
  }
  if (read.staged) await settle(run, read)
  await endComplete(run, read)
  return read
}

/** Everything was compared: the next sweep is due one interval after this read. */
export async function endComplete({ context, key, grants }: PullRun, read: FullRead): Promise<void> {
  await context.transaction(async tx => {
    await endFullReads(tx, { ...key, dryRun: context.dryRun })
    if (context.dryRun) return
    await saveSweep(tx, key, { grants, sweptAt: read.createdAt })
    await forgetMissingRows(tx, key)
  })
}

/**
 * A sweep that started this long ago says too little about the present, and so does a load without a cursor. With one, scans find what
 * has changed since, so a load that takes days and is interrupted every day still comes to its end.
 */
const oldestMs = 24 * 3_600_000

/** The unfinished read, or a new one if none reads the same. */
export async function openFullRead(
  run: PullRun,
  purpose: FullRead['purpose'],
  unfinished: FullRead | undefined,
): Promise<FullRead> {
  const { context, remote, mirror, cursor, definition } = run
  if (unfinished?.purpose === purpose && unfinished.definition === definition) {
    const isFollowed = purpose === 'load' && cursor !== undefined
    if (isFollowed || run.openedAt - unfinished.createdAt.getTime() < oldestMs) return unfinished
  }
  const { signal, store } = context
  const key = { ...run.key, dryRun: context.dryRun }
  const failed = new AbortController()
  const asking = AbortSignal.any([signal, failed.signal])
  const [asked, total] = await Promise.all([
    // A sweep doesn't move the checkpoint.
    purpose === 'load' && cursor ? findHigh(run, cursor, asking) : undefined,
    countRows(remote, {}, asking),
  ]).catch(error => {
    failed.abort(error)
    throw error
  })
  const startedAt = beganAt(asked?.serverDate, run.openedAt)
  const staged = purpose === 'sweep' || (await commit(run, tx => hasRows(tx, mirror, key.account)))
  await context.transaction(tx =>
    beginFullRead(tx, key, {
      purpose,
      definition,
      startedAt,
      high: asked?.greatest,
      total,
      staged,
      requestId: context.requestId,
    }),
  )
  const begun = await findFullRead(store, key)
  if (!begun) throw new TypeError('a full read that was begun is there')
  return begun
}

/** @returns the rows of the longest page */
async function readRows(run: PullRun, read: FullRead): Promise<number> {
  const { context, remote, mirror, cursor } = run
  let longest = 0
  await readRanges(run, remote.rows, read, async (page, save) => {
    const keep = async (tx: FencedTransaction): Promise<void> => {
      await save().execute(tx)
      if (page && read.staged) await stageKeys(tx, read.id, mirror, cursor?.column, page.rows)
    }
    // What a dry run has read stays until it ends; its writes don't.
    if (!page || context.dryRun) await context.transaction(keep)
    if (!page) return
    longest = longestAfter(longest, page)
    if (context.dryRun) return writeRows(run, page.rows)
    return read.staged ? writeRowsAfter(run, page.rows, keep) : insertRows(run, page.rows, save)
  })
  return longest
}

/** `NaN`, `Infinity` and `-Infinity`, or one from the future. */
const mostUnbounding = 3

/**
 * The greatest cursor that may limit the scans after the load, and the API's time before that request.
 *
 * @throws PermanentError (`order`) if every greatest cursor is unusable
 */
export async function findHigh(
  { remote, openedAt }: Pick<PullRun, 'remote' | 'openedAt'>,
  cursor: PullCursor,
  signal: AbortSignal,
): Promise<{ readonly greatest: string | undefined; readonly serverDate: number | undefined }> {
  const { order } = cursor
  const { serverDate, ...first } = await findGreatestCursor(remote, order, {}, signal)
  const now = Date.parse(beganAt(serverDate, openedAt))
  let { greatest } = first
  for (let asked = 1; greatest !== undefined && !movesBound(cursor, greatest, now); asked += 1) {
    if (asked > mostUnbounding) throw outOfOrder(remote.place)
    const where = below(order, beginningOfFuture(cursor, now) ?? greatest)
    greatest = (await findGreatestCursor(remote, order, where, signal)).greatest
  }
  return { greatest, serverDate }
}
