import { sql } from 'kysely'
import type { JobContext } from '../definitions/define-job.ts'
import { PermanentError, RefusalError } from '../errors.ts'
import type { Session } from '../gate/session.ts'
import { type EnsuredTable, ensureMirrorTable } from '../mirror/mirror-table.ts'
import { findDeleted } from '../mirror/soft-delete.ts'
import { transformPage } from '../mirror/transform-page.ts'
import { explainWriteFailure } from '../mirror/write-failure.ts'
import type { FencedTransaction } from '../store/store.ts'
import { type Checkpoint, findCheckpoint, fingerprintOf, type MirrorState } from './checkpoint.ts'
import { planColumns } from './column-versions.ts'
import { guardOf } from './deletion-guard.ts'
import { type FullRead, findFullRead, forgetReads } from './full/full-read-record.ts'
import { noCounts, type PullRun } from './pull-run.ts'
import type { PullPayload, PullSettings } from './pull-settings.ts'
import type { PullShape } from './pull-shape.ts'
import { takeBack } from './take-back.ts'

/** What the runs before have left. */
interface Left {
  readonly known: (Checkpoint & MirrorState) | undefined
  readonly unfinished: FullRead | undefined
}

export interface OpenedRun extends Left {
  readonly run: PullRun
}

/**
 * What a run works with, and where those before it have come to. The mirror table is there, with every column that it needs.
 *
 * @throws PermanentError (`where`), RefusalError (`fingerprint`, `mirror-table`)
 */
export async function openRun(
  settings: PullSettings,
  shape: PullShape,
  session: Session,
  context: JobContext<PullPayload>,
): Promise<OpenedRun> {
  const where = settings.where(session.account)
  requireValues(where, settings.name, session.account.name)
  const key = {
    account: session.account.name,
    job: settings.name,
    fingerprint: fingerprintOf(shape.definition, where),
    definition: { ...shape.parts, filter: fingerprintOf(where) },
  }
  const { known, unfinished, ...opened } = await openTable(settings, context, shape, key)
  return { run: createRun(settings, shape, session, context, { key, where, ...opened }), known, unfinished }
}

interface Opened extends Left, Pick<EnsuredTable, 'table'>, Pick<PullRun, 'openedAt' | 'columns'> {}

/** The desired mirror table, and what earlier runs left unchanged; a dry run leaves no trace of it. */
async function openTable(
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
    guard: guardOf(context.payload, settings.guard),
    context,
    counts: { ...noCounts },
    rowsOf(rows) {
      const page = transform ? transformPage(rows, mirror, fixed, transform) : rows
      return softDelete ? { ...page, deleted: findDeleted(page, mirror, softDelete) } : page
    },
  }
}

/** A full run on request also sets columns that are no longer selected to null. */
export function wantsEverything({ payload }: JobContext<PullPayload>): boolean {
  return payload.full === true
}

function columnsHeld({ job, account }: PullRun['key'], columns: readonly string[]): RefusalError {
  return new RefusalError('fingerprint', 'job', {
    found: `${job} selects columns that its rows were not read with (${columns.join(', ')}), and "evolution" is "hold"`,
    remedy: `run "npm run -s cli -- reset ${job} --account ${account}" to read everything again`,
  })
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
