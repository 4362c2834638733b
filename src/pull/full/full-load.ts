import { hasRows } from '../../mirror/mirror-table.ts'
import type { FencedTransaction } from '../../store/store.ts'
import { type Checkpoint, saveCheckpoint, saveColumns, saveSweep } from '../checkpoint.ts'
import { boundOf, endFullRead } from '../column-versions.ts'
import { beganAt, beginningOfFuture, movesBound } from '../cursor-bound.ts'
import { commit, insertRows, leaveInAnyRows, type PullCursor, type PullRun, writeRows } from '../pull-run.ts'
import { countRows, findGreatestCursor } from '../remote/ask-table.ts'
import { outOfOrder } from '../remote/check-progress.ts'
import { below } from '../remote/scan.ts'
import { beginFullRead, endFullReads, type FullRead, findFullRead } from './full-read-record.ts'
import { readRanges } from './read-ranges.ts'
import { settle } from './settle.ts'
import { stageKeys } from './stage-keys.ts'

/**
 * Reads every row, in ranges of the key at once, and compares it with the mirror. What was there before and isn't met is looked
 * for by its key and marked as deleted. A load that breaks off goes on where each of its ranges was.
 *
 * @returns the greatest cursor that there was at its beginning
 */
export async function loadFully(
  run: PullRun,
  before: Checkpoint | undefined,
  unfinished: FullRead | undefined,
): Promise<string | undefined> {
  const { key, cursor, counts, columns } = run
  const read = await openFullRead(run, 'load', unfinished)
  if (read.phase === 'reading') {
    if (read !== unfinished && columns.plan.leaves.length > 0) await commit(run, tx => leaveInAnyRows(tx, run))
    await readRows(run, read)
    const left = read !== unfinished && counts.inserted === 0 && before ? boundOf(before) : undefined
    const done = { high: read.high, position: undefined, scanStartedAt: undefined, scannedAt: read.startedAt }
    await commit(run, async tx => {
      await saveCheckpoint(tx, key, done, cursor?.type ?? 'text')
      await saveColumns(tx, key, endFullRead(columns.selected, columns.known, columns.plan, left))
    })
  }
  if (read.staged) await settle(run, read)
  await endComplete(run, read)
  return read.high
}

/** Everything was compared: the next sweep is due when this read's time has come again. */
export async function endComplete({ context, key, grants }: PullRun, read: FullRead): Promise<void> {
  await context.transaction(async tx => {
    await endFullReads(tx, { ...key, dryRun: context.dryRun })
    if (!context.dryRun) await saveSweep(tx, key, { grants, sweptAt: read.createdAt })
  })
}

/** What was begun so long ago says too little of how things are now. */
const oldestMs = 24 * 3_600_000

/** What is under way, or a new read when there is none that reads the same. */
export async function openFullRead(
  run: PullRun,
  purpose: FullRead['purpose'],
  unfinished: FullRead | undefined,
): Promise<FullRead> {
  const { context, remote, mirror, cursor, definition } = run
  if (
    unfinished?.purpose === purpose &&
    unfinished.definition === definition &&
    context.clock.now() - unfinished.createdAt.getTime() < oldestMs
  ) {
    return unfinished
  }
  const { signal, store } = context
  const key = { ...run.key, dryRun: context.dryRun }
  const failed = new AbortController()
  const asking = AbortSignal.any([signal, failed.signal])
  const [asked, total] = await Promise.all([
    // A sweep leaves the checkpoint where it is.
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

async function readRows(run: PullRun, read: FullRead): Promise<void> {
  const { context, remote, mirror, cursor } = run
  await readRanges(run, remote.rows, read, async (page, save) => {
    const keep = async (tx: FencedTransaction): Promise<void> => {
      await save().execute(tx)
      if (page && read.staged) await stageKeys(tx, read.id, mirror, cursor?.column, page.rows)
    }
    // What a dry run has read stays until its end; what it would write doesn't.
    if (!page || context.dryRun) await context.transaction(keep)
    if (!page) return
    if (context.dryRun) return writeRows(run, page.rows)
    return read.staged ? writeRows(run, page.rows, keep) : insertRows(run, page.rows, save)
  })
}

/** `NaN`, `Infinity` and `-Infinity`, or one from the future. */
const mostUnbounding = 3

/**
 * The greatest cursor that may bound the scans behind the load, and the API's time before that was asked for.
 *
 * @throws PermanentError (`order`) when there is always another one that may not
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
