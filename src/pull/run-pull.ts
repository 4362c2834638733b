import type { JobContext, JobResult } from '../definitions/define-job.ts'
import { UsageError } from '../errors.ts'
import type { Session } from '../gate/session.ts'
import { nextDue } from '../time/schedule-rule.ts'
import { backfill } from './backfill.ts'
import { type Checkpoint, findCheckpoint, type MirrorState, saveColumnState } from './checkpoint.ts'
import { beginScan, boundOf, needsFullRead } from './column-versions.ts'
import { isFromFuture } from './cursor-bound.ts'
import { loadFully } from './full/full-load.ts'
import { endFullReads } from './full/full-read-record.ts'
import { sweep } from './full/sweep.ts'
import { scanChanges } from './incremental-scan.ts'
import { openRun, wantsEverything } from './open-run.ts'
import { pullKeys } from './pull-keys.ts'
import { commit, type PullRun } from './pull-run.ts'
import type { PullPayload, PullSettings } from './pull-settings.ts'
import type { PullShape } from './pull-shape.ts'
import { scanRung } from './rung-scan.ts'

/** One run of a pull: everything if that is due or unfinished, otherwise what has changed, and then a sweep if it is due. */
export async function runPull(
  settings: PullSettings,
  shape: PullShape,
  session: Session,
  context: JobContext<PullPayload>,
): Promise<JobResult> {
  const { payload } = context
  const { run, known, unfinished } = await openRun(settings, shape, session, context)
  const { key, counts, cursor, columns } = run

  if (payload.backfill) {
    if (!cursor)
      throw new UsageError({
        found: `${settings.name} has no cursor, so a backfill is not possible`,
        remedy: 'run it with --full',
      })
    return { ...(await backfill(run, cursor, payload.backfill)), counts }
  }
  const isAsked = payload.full || payload.sweep || payload.allowDeletions
  const isOthers = unfinished?.requestId !== context.requestId
  const isRequired = !known?.scannedAt || needsFullRead(columns.known, columns.plan)
  // A request that compares everything doesn't resume what another one read long ago, unless any run must first load the rest, and scans
  // find what has changed meanwhile; a full run reads every row itself. A dry run doesn't either, because its rows were rolled back.
  const startsAgain = context.dryRun || (isAsked && isOthers && (payload.full || !(isRequired && cursor)))
  const resumed = startsAgain ? undefined : unfinished
  const isFull = wantsEverything(context) || isRequired || resumed?.purpose === 'load'
  try {
    // Before the first full read there are no rows that a key could update. After the deletion guard, all keys are compared first.
    if (payload.keys && known?.sweptAt && !isFull) {
      await pullKeys(run, payload.keys)
      // Without a schedule, events may be the only runs.
      if (!cursor || !isSweepDue(settings, known, run)) return { counts }
    }
    if (!cursor || !known || isFull) {
      const loaded = await loadFully(run, known, resumed)
      if (payload.keys && resumed) await pullKeys(run, payload.keys)
      if (loaded.requestId === context.requestId) return { to: loaded.high, counts }
      // Rows that the other request's run had read may have changed before this request was made.
      await catchUp(run, known)
      if (isAsked) await sweep(run, undefined)
      return { to: loaded.high, counts }
    }
    const { leaves, missed } = columns.plan
    // Only a complete scan can keep track of what an older version of the job leaves unchanged.
    if (payload.rung && !isAsked && leaves.length + missed.length === 0 && !isFromFuture(cursor, known, run.openedAt)) {
      return { ...(await scanRung(run, cursor, known)), counts }
    }
    const begin = await beginAt(run, known)
    const scanned = await scanChanges(run, cursor, begin)
    // A row that was read before may have changed since, with a cursor that isn't later: of the same day, or committed late.
    if (begin.position && (await isOlderThanRequest(run, begin))) await catchUp(run, known)
    if (isAsked || resumed || isSweepDue(settings, known, run)) await sweep(run, resumed)
    // Neither finds a row that was changed without its cursor.
    if (payload.keys && !known.sweptAt) await pullKeys(run, payload.keys)
    return { ...scanned, counts }
  } finally {
    // It won't be resumed, so its state is deleted.
    if (context.dryRun) await context.transaction(tx => endFullReads(tx, { ...key, dryRun: true }))
  }
}

/**
 * Whether the unfinished scan started before this request was made. One that this request's own runs started needs nothing more, and
 * would never end if each of them is interrupted, as by a limit of the API's rate. A dry run saves no checkpoint, so another scan would
 * resume the same one.
 */
async function isOlderThanRequest({ context }: PullRun, { scanStartedAt }: Checkpoint): Promise<boolean> {
  if (context.dryRun) return false
  const request = await context.store
    .selectFrom('worker.requests')
    .select('requested_at')
    .where('id', '=', context.requestId)
    .executeTakeFirst()
  return !request || !(Date.parse(scanStartedAt ?? '') >= request.requested_at.getTime())
}

/** Reads what has changed since the beginning of the load or scan that this run has resumed and completed. */
async function catchUp(run: PullRun, before: Checkpoint | undefined): Promise<void> {
  const { context, key, cursor, columns } = run
  if (!cursor) {
    await loadFully(run, before, undefined)
    return
  }
  const loaded = await findCheckpoint(context.store, key)
  // Only a scan from the run's own checkpoint can keep track of what an older version of the job leaves unchanged.
  if (loaded && columns.plan.leaves.length === 0) await scanChanges(run, cursor, loaded)
}

/** Records which columns the run leaves unchanged, and moves back to where earlier runs left columns of this one. */
async function beginAt(run: PullRun, checkpoint: Checkpoint): Promise<Checkpoint> {
  const { known, plan } = run.columns
  if (!known || plan.leaves.length + plan.missed.length === 0) return checkpoint
  const { left, since } = beginScan(known, plan, boundOf(checkpoint))
  await commit(run, tx => saveColumnState(tx, run.key, { ...known, left }, since))
  return since
    ? { high: since.high, scannedAt: since.scannedAt, position: undefined, scanStartedAt: undefined }
    : checkpoint
}

function isSweepDue({ sweep: rule }: PullSettings, known: MirrorState, { grants, openedAt }: PullRun): boolean {
  if (!known.sweptAt) return true
  if (rule === false) return false
  if (known.grants !== grants) return true
  // One in the future was set while the store's clock was ahead.
  return known.sweptAt.getTime() > openedAt || nextDue(rule, known.sweptAt, known.sweptAt).getTime() <= openedAt
}
