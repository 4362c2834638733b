import { sql } from 'kysely'
import { PermanentError, RefusalError, UsageError } from '../errors.ts'
import type { Session } from '../gate/session.ts'
import type { JobContext, JobResult } from '../jobs/define-job.ts'
import { nextDue } from '../schedule-rule.ts'
import type { FencedTransaction } from '../store/store.ts'
import { type Checkpoint, findCheckpoint, fingerprintOf, type MirrorState } from './checkpoint.ts'
import { loadFully } from './full/full-load.ts'
import { endFullReads, type FullRead, findFullRead, forgetReads } from './full/full-read-record.ts'
import { sweep } from './full/sweep.ts'
import { backfill, scanChanges } from './incremental-scan.ts'
import { type EnsuredTable, ensureMirrorTable } from './mirror/mirror-table.ts'
import { findDeleted } from './mirror/soft-delete.ts'
import { transformPage } from './mirror/transform-page.ts'
import { explainWriteFailure } from './mirror/write-failure.ts'
import { noCounts, type PullRun } from './pull-run.ts'
import type { PullPayload, PullSettings } from './pull-settings.ts'
import type { PullShape } from './pull-shape.ts'
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
  const { known, unfinished, ...opened } = await open(context, shape, key)
  const run = createRun(settings, shape, session, context, { key, where, ...opened })
  const { counts, cursor } = run

  if (payload.backfill) {
    if (!cursor)
      throw new UsageError({
        found: `${settings.name} has no cursor, so it can't be filled between two`,
        remedy: 'run it in full',
      })
    return { ...(await backfill(run, cursor.order, payload.backfill)), counts }
  }
  const columnsChanged = known?.columns !== undefined && !isEqual(known.columns, run.columns)
  if (columnsChanged && settings.evolution === 'hold') throw columnsHeld(run)
  // Who asks for everything doesn't want what another run had read of it long ago; nor does a dry run, whose rows were taken back.
  const isAsked = context.full || payload.full || payload.sweep || context.allowDeletions
  const resumed = context.dryRun || (isAsked && unfinished?.requestId !== context.requestId) ? undefined : unfinished
  const isFull = context.full || payload.full || columnsChanged || resumed?.purpose === 'load'
  try {
    if (!cursor || !known?.scannedAt || isFull) {
      const to = await loadFully(run, resumed)
      return { to, counts }
    }
    const scanned = await scanChanges(run, cursor, known)
    if (isAsked || resumed || isSweepDue(settings, known, run)) await sweep(run, resumed)
    return { ...scanned, counts }
  } finally {
    // It isn't gone on with, so it leaves nothing behind.
    if (context.dryRun) await context.transaction(tx => endFullReads(tx, { ...key, dryRun: true }))
  }
}

interface Opened extends Pick<EnsuredTable, 'table'>, Pick<PullRun, 'openedAt'> {
  readonly known: Known
  readonly unfinished: FullRead | undefined
}

/** The mirror table as it is to be, and what was left by the runs before; in a dry run nothing of it stays. */
async function open(context: JobContext<PullPayload>, shape: PullShape, key: PullRun['key']): Promise<Opened> {
  const { transaction, dryRun } = context
  const look = async (tx: FencedTransaction) => {
    const found = { known: await findCheckpoint(tx, key), unfinished: await findFullRead(tx, { ...key, dryRun }) }
    const { table, isNew } = await ensureMirrorTable(tx, shape.mirror, Object.keys(found.known?.columns ?? {}))
    const opened = { table, openedAt: await readTime(tx) }
    if (!isNew) return { ...opened, ...found }
    // If there had been one, somebody dropped it, and what was committed into it is gone for every account.
    await forgetReads(tx, { job: key.job })
    return { ...opened, known: undefined, unfinished: undefined }
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
  }: Pick<PullRun, 'key' | 'openedAt'> & Pick<PullRun['remote'], 'where'> & Pick<EnsuredTable, 'table'>,
): PullRun {
  const { transform, softDelete } = settings
  const { mirror, place, columns, cursor } = shape
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
    definition: fingerprintOf(key.fingerprint, columns, grants),
    grants,
    openedAt,
    ranges: settings.ranges,
    guard: settings.guard,
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

function isEqual(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every(name => a[name] === b[name])
}

function columnsHeld({ key }: PullRun): RefusalError {
  return new RefusalError('fingerprint', 'job', {
    found: `The columns that ${key.job} selects have changed, and it is set to wait for somebody to look`,
    remedy: `run "reset ${key.job} --account ${key.account}" to read everything again with the new ones`,
  })
}
