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

/** One run of a pull: everything where that is due or was begun, otherwise what has changed, and then a sweep when it is time. */
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
        found: `${settings.name} has no cursor, so it can't be filled between two`,
        remedy: 'run it in full',
      })
    return { ...(await backfill(run, cursor, payload.backfill)), counts }
  }
  // Who asks for everything doesn't want what another run had read of it long ago; nor does a dry run, whose rows were taken back.
  const isAsked = payload.full || payload.sweep || payload.allowDeletions
  const resumed = context.dryRun || (isAsked && unfinished?.requestId !== context.requestId) ? undefined : unfinished
  const isFull = wantsEverything(context) || needsFullRead(columns.known, columns.plan) || resumed?.purpose === 'load'
  try {
    // Before the first read of everything nothing is known that a key could bring up to date.
    if (payload.keys && known?.sweptAt && !isFull) {
      await pullKeys(run, payload.keys)
      return { counts }
    }
    if (!cursor || !known?.scannedAt || isFull) {
      const to = await loadFully(run, known, resumed)
      return { to, counts }
    }
    const { leaves, missed } = columns.plan
    // What an older version of the job leaves as it is, only a whole scan can keep account of.
    if (payload.rung && !isAsked && leaves.length + missed.length === 0) {
      return { ...(await scanRung(run, cursor, known)), counts }
    }
    const scanned = await scanChanges(run, cursor, await beginAt(run, known))
    if (isAsked || resumed || isSweepDue(settings, known, run)) await sweep(run, resumed)
    return { ...scanned, counts }
  } finally {
    // It isn't gone on with, so it leaves nothing behind.
    if (context.dryRun) await context.transaction(tx => endFullReads(tx, { ...key, dryRun: true }))
  }
}

/** Whoever asks for everything also wants columns that are no longer selected to be null. */
function wantsEverything({ payload }: JobContext<PullPayload>): boolean {
  return payload.full === true
}

/** Remembers what the run leaves as it is, and goes back to where runs before it have left something of its own. */
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

/** The mirror table as it is to be, and what was left by the runs before; in a dry run nothing of it stays. */
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
    // If there had been one, somebody dropped it, and what was committed into it is gone for every account.
    await forgetReads(tx, { job: key.job })
    return { ...opened, columns: nothing, known: undefined, unfinished: undefined }
  }
  return (dryRun ? takeBack(transaction, look) : transaction(look)).catch((error: unknown) => {
    throw explainWriteFailure(error, shape.mirror) ?? error
  })
}

/** When the transaction began, in milliseconds. */
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
 * JSON leaves out what is undefined, and Hasura takes a condition without a value for one that every row meets. Of `NaN` and
 * `Infinity` JSON makes null; Hasura takes them as texts.
 */
function requireValues(where: unknown, job: string, account: string): void {
  JSON.stringify(where, (name, value: unknown) => {
    if (typeof value === 'number' && !Number.isFinite(value)) {
      throw new PermanentError('where', {
        found: `The "where" of ${job} has the number ${value} at "${name}" for account "${account}", which JSON can't write`,
        remedy: `give it as a text, "${value}"`,
      })
    }
    if (value !== undefined) return value
    throw new PermanentError('where', {
      found: `The "where" of ${job} has no value at "${name}" for account "${account}", and so would match every row`,
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
    found: `${job} selects what its rows were not read with (${columns.join(', ')}), and is set to wait for somebody to look`,
    remedy: `run "reset ${job} --account ${account}" to read everything again`,
  })
}
