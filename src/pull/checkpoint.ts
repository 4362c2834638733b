import { hash } from 'node:crypto'
import { type Nullable, type RawBuilder, type Selectable, sql } from 'kysely'
import { z } from 'zod'
import { PermanentError, RefusalError } from '../errors.ts'
import type { SaveStatement } from '../mirror/write-page.ts'
import { accountRows } from '../store/account-rows.ts'
import type { Position, WorkerTables } from '../store/schema.ts'
import type { FencedTransaction, StoreReader } from '../store/store.ts'
import { type Bound, type ColumnState, type ColumnVersions, columnStateSchema } from './column-versions.ts'
import { describeChanges, type PullDefinition, pullDefinitionSchema } from './pull-definition.ts'

export const checkpointRows = accountRows('worker.checkpoints')

/** What was committed of a remote table. */
export interface Checkpoint {
  /** The greatest cursor seen; never decreases. */
  readonly high: string | undefined
  /** Where an unfinished scan resumes. */
  readonly position: Position | undefined
  /** The remote time at which the unfinished scan started. */
  readonly scanStartedAt: string | undefined
  /** The remote time at which the last complete scan started: later changes haven't been looked for yet. */
  readonly scannedAt: string | undefined
  /**
   * The greatest cursor that any scan has seen, including those requested by a doorbell; undefined if none has run since the last
   * reset.
   */
  readonly rungHigh?: string | undefined
  /** Rows of the longest page that the role's row limit has allowed in a complete read. */
  readonly longestPage?: number | undefined
}

/** What else is stored about a mirrored table. */
export interface MirrorState {
  /** The columns with which its rows were read. */
  readonly versions: ColumnVersions | undefined
  /** When everything was last compared, and a fingerprint of what the account was allowed to see. */
  readonly sweptAt: Date | undefined
  readonly grants: string | undefined
}

export interface CheckpointKey {
  readonly account: string
  readonly job: string
  readonly fingerprint: string
  /** The parts of the fingerprint that can be named. */
  readonly definition: PullDefinition
}

export const positionSchema = z.array(z.string()).min(1)

/** Identifies what a checkpoint was made with; with anything else it would mean something different. */
export function fingerprintOf(...parts: readonly unknown[]): string {
  return hash('sha256', JSON.stringify(parts), 'hex')
}

/** The same of a filter, which means the same in whatever order its keys are written. */
export function fingerprintOfFilter(filter: unknown): string {
  return hash('sha256', JSON.stringify([filter], sortKeys), 'hex')
}

/** For `JSON.stringify`. */
function sortKeys(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** The columns of a stored checkpoint. */
export type CheckpointRow = Selectable<WorkerTables['worker.checkpoints']>

/**
 * @returns undefined before the first run
 * @throws like `readCheckpoint`
 */
export async function findCheckpoint(
  store: StoreReader,
  key: CheckpointKey,
): Promise<(Checkpoint & MirrorState) | undefined> {
  const { account, job } = key
  const of = store.selectFrom('worker.checkpoints').where('account', '=', account).where('job', '=', job)
  const row = await of.selectAll().executeTakeFirst()
  return row && readCheckpoint(row, key)
}

/**
 * @throws PermanentError if it can't be read: an unreadable checkpoint isn't a first run
 * @throws RefusalError (`fingerprint`) if what the job reads has changed since
 */
export function readCheckpoint(
  row: Pick<CheckpointRow, 'fingerprint'> & Nullable<CheckpointRow>,
  key: CheckpointKey,
): Checkpoint & MirrorState {
  if (row.fingerprint !== key.fingerprint) requireSame(row.definition, key)
  const position = positionSchema.nullable().safeParse(row.position)
  const columns = z.record(z.string(), z.string()).nullable().safeParse(row.columns)
  const state = columnStateSchema.nullable().safeParse(row.column_state)
  if (!position.success || !columns.success || !state.success) {
    throw new PermanentError('checkpoint', {
      found: `The checkpoint of ${key.job} for account "${key.account}" can't be read`,
      remedy: `run "npm run -s cli -- reset ${key.job} --account ${key.account}" to read everything again`,
    })
  }
  return {
    high: row.high ?? undefined,
    position: position.data ?? undefined,
    scanStartedAt: row.scan_started_at ?? undefined,
    scannedAt: row.scanned_at ?? undefined,
    rungHigh: row.rung_high ?? undefined,
    longestPage: row.longest_page ?? undefined,
    versions: columns.data ? { former: {}, ...state.data, columns: columns.data } : undefined,
    sweptAt: row.swept_at ?? undefined,
    grants: row.grants ?? undefined,
  }
}

/** Refuses a checkpoint of another definition, unless only the order in which that is written differs. */
function requireSame(definition: unknown, key: CheckpointKey): void {
  const before = pullDefinitionSchema.safeParse(definition)
  const changes = before.success
    ? describeChanges(before.data, key.definition)
    : ['another document, filter, role, key, cursor or table']
  if (changes.length === 0) return
  const isFilterAlone = before.data && before.data.filter !== key.definition.filter && changes.length === 1
  const advice = isFilterAlone ? '; it must be the same in every run, so let a view select a window that moves' : ''
  const first =
    before.data && isOtherTable(before.data, key.definition)
      ? `drop mirror.${key.definition.table} (or choose another "into") and `
      : ''
  throw new RefusalError('fingerprint', 'job', {
    found: `The checkpoint of ${key.job} was made with ${changes.join(', ')}`,
    remedy: `change it back, or ${first}run "npm run -s cli -- reset ${key.job} --account ${key.account}" to read everything again with the new one${advice}`,
  })
}

/** Whether the mirror table's primary key isn't that of the job any more. */
function isOtherTable(before: PullDefinition, now: PullDefinition): boolean {
  const isSame = before.key.length === now.key.length && now.key.every(column => before.key.includes(column))
  return before.table === now.table && !isSame
}

/**
 * A statement for the transaction that writes the page's rows. `high` only increases.
 *
 * @param comparableAs the cursor's type, if the store knows its order
 */
export function saveCheckpoint(key: CheckpointKey, next: Checkpoint, comparableAs: string | undefined): SaveStatement {
  const position = next.position ? JSON.stringify(next.position) : null
  const isGreater = (than: RawBuilder<unknown>) => isAfter(sql`excluded.high`, than, comparableAs)
  return (condition = sql`true`) => sql`
    insert into worker.checkpoints as c (account, job, fingerprint, definition, high, position, scan_started_at, scanned_at,
      longest_page)
    select ${key.account}, ${key.job}, ${key.fingerprint}, ${JSON.stringify(key.definition)}::jsonb, ${next.high ?? null},
      ${position}::jsonb, ${next.scanStartedAt ?? null}, ${next.scannedAt ?? null}, ${next.longestPage ?? null}::integer
    where ${condition}
    on conflict (account, job) do update set
      fingerprint = excluded.fingerprint,
      definition = excluded.definition,
      high = case when c.high is null or ${isGreater(sql`c.high`)} then coalesce(excluded.high, c.high) else c.high end,
      rung_high = case when c.rung_high is not null and ${isGreater(sql`c.rung_high`)}
        then coalesce(excluded.high, c.rung_high) else c.rung_high end,
      position = excluded.position,
      scan_started_at = excluded.scan_started_at,
      scanned_at = excluded.scanned_at,
      longest_page = excluded.longest_page,
      updated_at = now()`
}

/** The same of a scan requested by a doorbell; the rest of the checkpoint belongs to scheduled scans. */
export function saveRungHigh(
  { account, job }: CheckpointKey,
  high: string | undefined,
  comparableAs: string | undefined,
): SaveStatement {
  const isGreater = isAfter(sql`${high ?? null}::text`, sql`rung_high`, comparableAs)
  return (condition = sql`true`) => sql`update worker.checkpoints set rung_high = ${high ?? null}, updated_at = now()
    where account = ${account} and job = ${job} and ${condition}
      and (rung_high is null or ${isGreater})`
}

/** Where only the API knows the order, a read decides: it starts at the greatest cursor seen, so it doesn't end before that. */
function isAfter(
  cursor: RawBuilder<unknown>,
  other: RawBuilder<unknown>,
  comparableAs: string | undefined,
): RawBuilder<boolean> {
  if (comparableAs === undefined) return sql`true`
  const type = sql.raw(comparableAs)
  return sql`${cursor}::${type} > ${other}::${type}`
}

/** After a complete read, in its last transaction and after `saveCheckpoint`: the columns with which rows were read. */
export async function saveColumns(
  tx: FencedTransaction,
  { account, job }: CheckpointKey,
  { columns, ...state }: ColumnVersions,
): Promise<void> {
  await sql`update worker.checkpoints
    set columns = ${JSON.stringify(columns)}::jsonb, column_state = ${JSON.stringify(state)}::jsonb
    where account = ${account} and job = ${job}`.execute(tx)
}

/** @param since where the next scan starts instead of where the last one did, which moves the checkpoint back */
export async function saveColumnState(
  tx: FencedTransaction,
  { account, job }: CheckpointKey,
  { former, left }: ColumnState,
  since?: Bound,
): Promise<void> {
  const goneBack = since && {
    high: since.high ?? null,
    scanned_at: since.scannedAt ?? null,
    position: null,
    rung_high: null,
    scan_started_at: null,
  }
  await tx
    .updateTable('worker.checkpoints')
    .set({ column_state: JSON.stringify({ former, left }), ...goneBack })
    .where('account', '=', account)
    .where('job', '=', job)
    .execute()
}

/** Everything was compared, as seen with these grants when the comparison started. */
export async function saveSweep(
  tx: FencedTransaction,
  { account, job }: CheckpointKey,
  { grants, sweptAt }: { readonly grants: string; readonly sweptAt: Date },
): Promise<void> {
  await sql`update worker.checkpoints set grants = ${grants}, swept_at = ${sweptAt}
    where account = ${account} and job = ${job}`.execute(tx)
}

/** Makes a sweep due, whatever the job's rule says. */
export async function forgetSweep(tx: FencedTransaction, { account, job }: CheckpointKey): Promise<void> {
  await sql`update worker.checkpoints set swept_at = null where account = ${account} and job = ${job}`.execute(tx)
}
