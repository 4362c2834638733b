import { sql } from 'kysely'
import type { JobContext, JobResult } from '../definitions/define-job.ts'
import { PermanentError, RefusalError, UsageError } from '../errors.ts'
import type { Session } from '../gate/session.ts'
import { type EnsuredTable, ensureMirrorTable } from '../mirror/mirror-table.ts'
import { findDeleted } from '../mirror/soft-delete.ts'
import { transformPage } from '../mirror/transform-page.ts'
import { explainWriteFailure } from '../mirror/write-failure.ts'
import type { FencedTransaction } from '../store/store.ts'
import { nextDue } from '../time/schedule-rule.ts'
import { backfill } from './backfill.ts'
import { type Checkpoint, findCheckpoint, fingerprintOf, type MirrorState, saveColumnState } from './checkpoint.ts'
import { beginScan, boundOf, needsFullRead, planColumns } from './column-versions.ts'
import { loadFully } from './full/full-load.ts'
import { endFullReads, type FullRead, findFullRead, forgetReads } from './full/full-read-record.ts'
import { sweep } from './full/sweep.ts'
import { scanChanges } from './incremental-scan.ts'
import { pullKeys } from './pull-keys.ts'
import { commit, noCounts, type PullRun } from './pull-run.ts'
import type { PullPayload, PullSettings } from './pull-settings.ts'
import type { PullShape } from './pull-shape.ts'
import { scanRung } from './rung-scan.ts'
import { takeBack } from './take-back.ts'

type Known = (Checkpoint & MirrorState) | undefined

/** One run of a pull: everything if that is due or unfinished, otherwise what has changed, and then a sweep if it is due. */
export async function runPull(
  settings: PullSettings,
  shape: PullShape,
  session: Session,
  context: JobContext<PullPayload>,
): Promise<JobResult> {
  const { payload } = context
  const where = settings.where(session.account)
  requireValues(where, settings.name, session.account.name)
  const key = {
    account: session.account.name,
    job: settings.name,
    fingerprint: fingerprintOf(shape.definition, where),
    definition: { ...shape.parts, filter: fingerprintOf(where) },
  }
  const { known, unfinished, ...opened } = await open(settings, context, shape, key)
  const run = createRun(settings, shape, session, context, { key, where, ...opened })
  const { counts, cursor, columns } = run

  if (payload.backfill) {
    if (!cursor)
      throw new UsageError({
        found: `${settings.name} has no cursor, so a backfill is not possible`,
        remedy: 'run it with --full',
      })
    return { ...(await backfill(run, cursor, payload.backfill)), counts }
  }
  // A full run on request doesn't resume what another run read long ago, and neither does a dry run, whose rows were rolled back.
  const isAsked = payload.full || payload.sweep || payload.allowDeletions
  const resumed = context.dryRun || (isAsked && unfinished?.requestId !== context.requestId) ? undefined : unfinished
  const isFull = wantsEverything(context) || needsFullRead(columns.known, columns.plan) || resumed?.purpose === 'load'
  try {
    // Before the first full read there are no rows that a key could update.
    if (payload.keys && known?.sweptAt && !isFull) {
      await pullKeys(run, payload.keys)
      return { counts }
    }
    if (!cursor || !known?.scannedAt || isFull) {
      const to = await loadFully(run, known, resumed)
      return { to, counts }
    }
    const { leaves, missed } = columns.plan
    // Only a complete scan can keep track of what an older version of the job leaves unchanged.
    if (payload.rung && !isAsked && leaves.length + missed.length === 0) {
      return { ...(await scanRung(run, cursor, known)), counts }
    }
    const scanned = await scanChanges(run, cursor, await beginAt(run, known))
    if (isAsked || resumed || isSweepDue(settings, known, run)) await sweep(run, resumed)
    return { ...scanned, counts }
  } finally {
    // It won't be resumed, so it leaves nothing behind.
    if (context.dryRun) await context.transaction(tx => endFullReads(tx, { ...key, dryRun: true }))
  }
}

/** A full run on request also sets columns that are no longer selected to null. */
function wantsEverything({ payload }: JobContext<PullPayload>): boolean {
  return payload.full === true
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

interface Opened extends Pick<EnsuredTable, 'table'>, Pick<PullRun, 'openedAt' | 'columns'> {
  readonly known: Known
  readonly unfinished: FullRead | undefined
}

/** The desired mirror table, and what earlier runs left unchanged; a dry run leaves no trace of it. */
async function open(
  settings: PullSettings,
  context: JobContext<PullPayload>,
  shape: PullShape,
  key: PullRun['key'],
): Promise<Opened> {
  const { transaction, dryRun } = context
  const look = async (tx: FencedTransaction) => {
    const found = { known: await findCheckpoint(tx, key), unfinished: await findFullRead(tx, { ...key, dryRun }) }
    const selected = shape.columns
    const plan = planColumns(selected, found.known?.versions)
    if (plan.gained.length > 0 && settings.evolution === 'hold') throw columnsHeld(key, plan.gained)
    const isEverything = wantsEverything(context)
    const { table, isNew } = await ensureMirrorTable(tx, shape.mirror, isEverything ? plan.lost : [])
    const opened = { table, openedAt: await readTime(tx) }
    const nothing = { selected, known: undefined, plan: planColumns(selected, undefined) }
    if (!isNew) {
      return {
        ...opened,
        ...found,
        columns: isEverything ? nothing : { selected, known: found.known?.versions, plan },
      }
    }
    // If it existed before, someone dropped it, and everything committed to it is gone for every account.
    await forgetReads(tx, { job: key.job })
    return { ...opened, columns: nothing, known: undefined, unfinished: undefined }
  }
  return (dryRun ? takeBack(transaction, look) : transaction(look)).catch((error: unknown) => {
    throw explainWriteFailure(error, shape.mirror) ?? error
  })
}

/** When the transaction started, in milliseconds. */
async function readTime(tx: FencedTransaction): Promise<number> {
  const { now } = await tx.selectNoFrom(sql<Date>`now()`.as('now')).executeTakeFirstOrThrow()
  return now.getTime()
}

function createRun(
  settings: PullSettings,
  shape: PullShape,
  session: Session,
  context: JobContext<PullPayload>,
  {
    key,
    where,
    table,
    openedAt,
    columns,
  }: Pick<PullRun, 'key' | 'openedAt' | 'columns'> & Pick<PullRun['remote'], 'where'> & Pick<EnsuredTable, 'table'>,
): PullRun {
  const { transform, softDelete } = settings
  const { mirror, place, cursor } = shape
  const fixed = cursor?.order.columns ?? mirror.key
  const grants = fingerprintOf(session.visibility)
  return {
    key,
    remote: {
      hasura: session.hasura,
      clock: context.clock,
      place,
      rows: settings.document,
      derived: shape.derived,
      where,
      key: shape.key,
      pageSize: settings.pageSize,
    },
    mirror: table,
    cursor,
    columns,
    definition: fingerprintOf(key.fingerprint, columns.selected, grants),
    grants,
    openedAt,
    ranges: settings.ranges,
    guard: context.payload.allowDeletions ? undefined : settings.guard,
    context,
    counts: { ...noCounts },
    rowsOf(rows) {
      const page = transform ? transformPage(rows, mirror, fixed, transform) : rows
      return softDelete ? { ...page, deleted: findDeleted(page, mirror, softDelete) } : page
    },
  }
}

/**
 * JSON omits undefined, and for Hasura a condition without a value is true for every row. JSON writes `NaN` and `Infinity` as
 * null; Hasura accepts them as text.
 */
function requireValues(where: unknown, job: string, account: string): void {
  JSON.stringify(where, (name, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new PermanentError('where', {
        found: `The "where" of ${job} has the number ${value} at "${name}" for account "${account}", which JSON can't write`,
        remedy: `write it as text, "${value}"`,
      })
    }
    if (value !== undefined) return value
    throw new PermanentError('where', {
      found: `The "where" of ${job} has no value at "${name}" for account "${account}", and would match every row`,
      remedy: 'give it one',
    })
  })
}

function isSweepDue({ sweep: rule }: PullSettings, known: MirrorState, { grants, context }: PullRun): boolean {
  if (!known.sweptAt) return true
  if (rule === false) return false
  if (known.grants !== grants) return true
  return nextDue(rule, known.sweptAt, known.sweptAt).getTime() <= context.clock.now()
}

function columnsHeld({ job, account }: PullRun['key'], columns: readonly string[]): RefusalError {
  return new RefusalError('fingerprint', 'job', {
    found: `${job} selects columns that its rows were not read with (${columns.join(', ')}), and "evolution" is "hold"`,
    remedy: `run "npm run -s cli -- reset ${job} --account ${account}" to read everything again`,
  })
}
