import type { JobContext } from '../definitions/define-job.ts'
import { RefusalError } from '../errors.ts'
import type { Session } from '../gate/session.ts'
import { type EnsuredTable, ensureMirrorTable, isEnsured } from '../mirror/mirror-table.ts'
import { findDeleted } from '../mirror/soft-delete.ts'
import { transformPage } from '../mirror/transform-page.ts'
import { explainWriteFailure } from '../mirror/write-failure.ts'
import type { FencedTransaction } from '../store/store.ts'
import { fingerprintOf, fingerprintOfFilter } from './checkpoint.ts'
import { planColumns } from './column-versions.ts'
import { guardOf } from './deletion-guard.ts'
import { forgetReads } from './full/full-read-record.ts'
import { findLeftState, forgetColumns, type LeftState } from './left-state.ts'
import { noCounts, type PullRun } from './pull-run.ts'
import type { PullPayload, PullSettings } from './pull-settings.ts'
import type { PullShape } from './pull-shape.ts'
import { takeBack } from './take-back.ts'

export interface OpenedRun extends LeftState {
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
  const filter = settings.where(session.account)
  const where = shape.spellWhere(filter, session.account.name)
  const key = {
    account: session.account.name,
    job: settings.name,
    fingerprint: fingerprintOf(shape.definition, filter),
    definition: { ...shape.parts, filter: fingerprintOfFilter(filter) },
  }
  const { known, unfinished, ...opened } = await openTable(settings, context, shape, key)
  return { run: createRun(settings, shape, session, context, { key, where, ...opened }), known, unfinished }
}

interface Opened extends LeftState, Pick<EnsuredTable, 'table'>, Pick<PullRun, 'openedAt' | 'columns' | 'wasEnsured'> {}

/** The desired mirror table, and what earlier runs left unchanged. */
async function openTable(
  settings: PullSettings,
  context: JobContext<PullPayload>,
  shape: PullShape,
  key: PullRun['key'],
): Promise<Opened> {
  const { store, dryRun } = context
  const { mirror, columns: selected } = shape
  const { known, unfinished, there } = await findLeftState(store, { ...key, dryRun }, mirror)
  const plan = planColumns(selected, known?.versions)
  if (plan.gained.length > 0 && settings.evolution === 'hold') throw columnsHeld(key, plan.gained)
  const openedAt = there.now
  const isEverything = wantsEverything(context)
  const nothing = { selected, known: undefined, plan: planColumns(selected, undefined) }
  const wasEnsured = isEnsured(there, mirror)
  const { table, isNew } =
    !isEverything && wasEnsured
      ? { table: mirror, isNew: false }
      : await ensureTable(context, shape, key, isEverything ? plan.lost : [])
  if (isNew) return { openedAt, table, wasEnsured, columns: nothing, known: undefined, unfinished: undefined }
  // What it doesn't select is null in the rows that it has written, also if it doesn't come to its end.
  const everything = { ...nothing, plan: { ...nothing.plan, leaves: plan.leaves } }
  const columns = isEverything ? everything : { selected, known: known?.versions, plan }
  return { openedAt, table, wasEnsured, columns, known, unfinished }
}

/** Makes the table what it must be; a dry run leaves no trace of it. */
async function ensureTable(
  { transaction, dryRun }: JobContext<PullPayload>,
  { mirror }: PullShape,
  { job }: PullRun['key'],
  former: readonly string[],
): Promise<EnsuredTable> {
  const ensure = async (tx: FencedTransaction) => {
    const ensured = await ensureMirrorTable(tx, mirror, former)
    // If it existed before, someone dropped it, and everything committed to it is gone for every account.
    if (ensured.isNew) await forgetReads(tx, { job })
    if (ensured.added.length > 0) await forgetColumns(tx, job, ensured.added)
    return ensured
  }
  return (dryRun ? takeBack(transaction, ensure) : transaction(ensure)).catch((error: unknown) => {
    throw explainWriteFailure(error, mirror) ?? error
  })
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
    wasEnsured,
    openedAt,
    columns,
  }: Pick<PullRun, 'key' | 'openedAt' | 'columns' | 'wasEnsured'> &
    Pick<PullRun['remote'], 'where'> &
    Pick<EnsuredTable, 'table'>,
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
    wasEnsured,
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
    found: `${job} selects columns that its rows lack (${columns.join(', ')}), and "evolution" is "hold"`,
    remedy: `run "npm run -s cli -- reset ${job} --account ${account}" to read everything again`,
  })
}
