import type { JobContext } from '../definitions/define-job.ts'
import { PermanentError } from '../errors.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import type { Rows } from '../hasura/rows.ts'
import { ensureMirrorTable, type MirrorTable } from '../mirror/mirror-table.ts'
import type { PageRows } from '../mirror/page-rows.ts'
import { explainWriteFailure, findRefusedColumn } from '../mirror/write-failure.ts'
import {
  insertPage,
  mergePage,
  mergeStatement,
  none,
  type SaveStatement,
  type WrittenRows,
} from '../mirror/write-page.ts'
import type { RunCounts } from '../states.ts'
import type { FencedTransaction } from '../store/store.ts'
import { type CheckpointKey, findCheckpoint, saveColumnState } from './checkpoint.ts'
import { beginAnyRows, type ColumnPlan, type Columns, type ColumnVersions } from './column-versions.ts'
import type { BoundedCursor } from './cursor-bound.ts'
import type { RemoteTable } from './remote/remote-table.ts'
import type { ScanOrder } from './remote/scan.ts'
import { takeBack } from './take-back.ts'

/** What all steps of one run of a pull share. */
export interface PullRun {
  readonly key: CheckpointKey
  readonly remote: RemoteTable
  readonly mirror: MirrorTable
  /** The mirror table had all it needs before the run. */
  readonly wasEnsured: boolean
  /** Absent for a table without a usable cursor. */
  readonly cursor: PullCursor | undefined
  readonly columns: RunColumns
  /** Of everything that a full read depends on. */
  readonly definition: string
  /** Of the claims that decide what the account may see. */
  readonly grants: string
  /** The store's time when the run started, in milliseconds. */
  readonly openedAt: number
  readonly ranges: number
  /** Undefined if the request allows any number of deletions. */
  readonly guard: DeletionGuard | undefined
  readonly context: Pick<
    JobContext<unknown>,
    'store' | 'signal' | 'clock' | 'requestId' | 'progress' | 'pageWritten' | 'dryRun' | 'transaction' | 'statement'
  >
  readonly counts: Counts
  /** The rows of a page in their mirrored form. */
  rowsOf(rows: Rows): PageRows
}

/** The columns that a run selects, compared with those of the mirror's rows. */
export interface RunColumns {
  readonly selected: Columns
  /** Undefined in a first run, and if the run reads everything on request: then what it doesn't select becomes null. */
  readonly known: ColumnVersions | undefined
  readonly plan: ColumnPlan
}

export interface PullCursor extends BoundedCursor {
  readonly column: string
  /** The cursor followed by the key. */
  readonly order: ScanOrder
}

/** More deletions at once than both limits count as a lost permission. */
export interface DeletionGuard {
  /** Of the existing rows, between 0 and 1. */
  readonly share: number
  /** Rows. */
  readonly floor: number
}

export type Counts = { -readonly [C in keyof Required<RunCounts>]: number }

export const noCounts: Counts = { read: 0, inserted: 0, updated: 0, unchanged: 0, deleted: 0, revived: 0, pages: 0 }

/**
 * Commits the rows of a page, and adds them to the run's counts.
 *
 * @param save the checkpoint, committed with them
 */
export async function writeRows(run: PullRun, page: Rows, save?: SaveStatement): Promise<void> {
  await mergeRowsWith(run, page.count, run.rowsOf(page), save)
}

/** Like `writeRows`, for rows with any cursor: they may lack the columns that the run leaves unchanged. */
export async function writeAnyRows(run: PullRun, page: Rows): Promise<void> {
  if (run.columns.plan.leaves.length === 0) return writeRows(run, page)
  await writeRowsAfter(run, page, tx => leaveInAnyRows(tx, run))
}

/**
 * Like `writeRows`, with other writes before.
 *
 * @param before runs in the same transaction; the rows come last, because they lock the table's change counter
 */
export async function writeRowsAfter(
  run: PullRun,
  page: Rows,
  before: (tx: FencedTransaction) => Promise<void>,
): Promise<void> {
  await mergeRows(run, page.count, run.rowsOf(page), before)
}

/**
 * Records that rows with any cursor may lack the columns that the run leaves unchanged: in a transaction that writes such rows, or
 * before the first.
 */
export async function leaveInAnyRows(tx: FencedTransaction, { key, columns }: PullRun): Promise<void> {
  // Read again, because the run's own scan may have changed it.
  const versions = (await findCheckpoint(tx, key))?.versions
  if (versions) await saveColumnState(tx, key, { ...versions, left: beginAnyRows(versions, columns.plan) })
}

async function mergeRowsWith(run: PullRun, read: number, rows: PageRows, save?: SaveStatement): Promise<void> {
  const { context, mirror, key } = run
  // These take more than one statement.
  if (context.dryRun || rows.leftOut?.length) {
    return mergeRows(run, read, rows, async tx => void (await save?.().execute(tx)))
  }
  const beganAt = context.clock.elapsed()
  const merged = await context
    .statement(mergeStatement(mirror, key.account, rows, save))
    .catch(error => explainPage(run, rows, translateWrite(run, error)))
  tally(run, read, merged.rows[0] ?? none, beganAt)
}

async function mergeRows(
  run: PullRun,
  read: number,
  rows: PageRows,
  before: (tx: FencedTransaction) => Promise<void>,
): Promise<void> {
  const beganAt = run.context.clock.elapsed()
  const written = await commit(run, async tx => {
    await before(tx)
    return mergePage(tx, run.mirror, run.key.account, rows)
  }).catch(error => explainPage(run, rows, error))
  tally(run, read, written, beganAt)
}

/** A faster form for an account that should have none of the rows yet. */
export async function insertRows(run: PullRun, page: Rows, save: SaveStatement): Promise<void> {
  const { context, mirror, key } = run
  const beganAt = context.clock.elapsed()
  const rows = run.rowsOf(page)
  const merge = () => mergeRowsWith(run, page.count, rows, save)
  // An omitted row must be looked up, because another run may have written it.
  if (rows.leftOut?.length) return merge()
  try {
    const { count: inserted } = await context.statement(insertPage(mirror, key.account, rows, save))
    const deleted = rows.deleted?.filter(Boolean).length ?? 0
    tally(run, page.count, { ...none, inserted: inserted - deleted, deleted }, beganAt)
  } catch (error) {
    if (sqlStateOf(error) !== uniqueViolation) return explainPage(run, rows, error)
    await merge()
  }
}

/** Names the column that refused a value of the page, if there was one. */
export async function explainPage({ context, mirror }: PullRun, page: Rows, error: unknown): Promise<never> {
  const column = await findRefusedColumn(context.transaction, page, mirror.columns, error)
  throw explainWriteFailure(error, mirror, { column }) ?? error
}

function tally({ counts, context, mirror }: PullRun, read: number, written: WrittenRows, beganAt: number): void {
  const { inserted, updated, deleted, revived, leftOut = 0 } = written
  const changed = inserted + updated + deleted + revived
  counts.pages += 1
  counts.read += read
  counts.inserted += inserted
  counts.updated += updated
  counts.deleted += deleted
  counts.revived += revived
  counts.unchanged += read - changed - leftOut
  context.pageWritten({ table: mirror.name, read, changed, durationMs: context.clock.elapsed() - beganAt })
}

/** Commits the run's changes to its mirror and checkpoint; a dry run sees them and rolls them back. */
export async function commit<T>(run: PullRun, work: (tx: FencedTransaction) => Promise<T>): Promise<T> {
  const { context, mirror } = run
  try {
    if (!context.dryRun) return await context.transaction(work)
    return await takeBack(context.transaction, async tx => {
      // The transaction that made it so was rolled back too. Otherwise this would only lock out others, for as long as the work takes.
      if (!run.wasEnsured) await ensureMirrorTable(tx, mirror)
      return work(tx)
    })
  } catch (error) {
    throw translateWrite(run, error)
  }
}

function translateWrite(run: PullRun, error: unknown): unknown {
  return sqlStateOf(error) === cardinalityViolation ? repeatedKey(run, error) : error
}

/** A statement tried to write the same row twice. */
const cardinalityViolation = '21000'

/** A row to be inserted already exists: another run or job has written it, or the key isn't unique. */
const uniqueViolation = '23505'

function repeatedKey({ key, mirror }: PullRun, cause: unknown): PermanentError {
  return new PermanentError(
    'key',
    {
      found: `Two rows of one page have the same ${mirror.key.map(column => `"${column}"`).join(' and ')}, so the key of ${key.job} is not unique`,
      remedy: 'choose another "key" for it',
    },
    { cause },
  )
}
