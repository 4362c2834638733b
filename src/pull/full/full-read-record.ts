import { type RawBuilder, sql, type Transaction } from 'kysely'
import { z } from 'zod'
import { PermanentError, TransientError } from '../../errors.ts'
import { forgetMissingRows } from '../../mirror/missing-rows.ts'
import { type AccountRows, accountRows } from '../../store/account-rows.ts'
import { isWanted } from '../../store/is-wanted.ts'
import { allowHours, patient } from '../../store/prepared-statements.ts'
import type { Position, WorkerTables } from '../../store/schema.ts'
import type { FencedTransaction, StoreReader } from '../../store/store.ts'
import { positionSchema } from '../checkpoint.ts'

/** Its ranges and its list of rows to request again are deleted with it; its staged keys are too many for that. */
export const fullReadRows: readonly AccountRows[] = [
  {
    table: sql.table('worker.staged_keys'),
    belongTo: account => sql`read_id in (select id from worker.full_reads where account = ${account})`,
  },
  accountRows('worker.full_reads'),
]

/** An unfinished read of everything: a run after a crash resumes it. */
export interface FullRead {
  readonly id: string
  readonly purpose: 'load' | 'sweep'
  readonly phase: 'reading' | 'settling'
  readonly definition: string
  /** The remote time at which it started. */
  readonly startedAt: string
  readonly high: string | undefined
  readonly total: number | undefined
  readonly staged: boolean
  readonly requestId: string
  readonly createdAt: Date
  readonly here: number
  readonly gone: number
  readonly ranges: readonly RangeState[]
}

/** A range of the key: from one key to another, and how far it was read. */
export interface RangeState {
  readonly range: number
  readonly behind: Position | undefined
  readonly upTo: Position | undefined
  readonly position: Position | undefined
  readonly rows: number
  readonly done: boolean
}

export interface FullReadKey {
  readonly account: string
  readonly job: string
  readonly dryRun: boolean
}

const position = positionSchema.nullable().transform(value => value ?? undefined)
const rangeSchema = z
  .object({
    range: z.number(),
    behind: position,
    up_to: position,
    position,
    rows: z.coerce.number(),
    done: z.boolean(),
  })
  .transform(({ up_to, ...range }) => ({ ...range, upTo: up_to }))

export async function findFullRead(store: StoreReader, key: FullReadKey): Promise<FullRead | undefined> {
  const row = await store
    .selectFrom('worker.full_reads')
    .selectAll()
    .where('account', '=', key.account)
    .where('job', '=', key.job)
    .where('dry_run', '=', key.dryRun)
    .executeTakeFirst()
  if (!row) return undefined
  const ranges = await store
    .selectFrom('worker.full_read_ranges')
    .select(['range', 'behind', 'up_to', 'position', 'rows', 'done'])
    .where('read_id', '=', row.id)
    .orderBy('range')
    .execute()
  const parsed = z.array(rangeSchema).safeParse(ranges)
  if (!parsed.success) {
    throw new PermanentError('checkpoint', {
      found: `The unfinished full read of ${key.job} for account "${key.account}" can't be read`,
      remedy: `run "npm run -s cli -- reset ${key.job} --account ${key.account}" to start again`,
    })
  }
  return {
    id: row.id,
    purpose: row.purpose,
    phase: row.phase,
    definition: row.definition,
    startedAt: row.started_at,
    high: row.high ?? undefined,
    total: row.total === null ? undefined : Number(row.total),
    staged: row.staged,
    requestId: row.request_id,
    createdAt: row.created_at,
    here: Number(row.here ?? 0),
    gone: Number(row.gone),
    ranges: parsed.data,
  }
}

/** It starts as one unbounded range. */
export async function beginFullRead(
  tx: FencedTransaction,
  key: FullReadKey,
  begun: Pick<FullRead, 'purpose' | 'definition' | 'startedAt' | 'high' | 'total' | 'staged' | 'requestId'>,
): Promise<void> {
  await endFullReads(tx, key)
  const { id } = await tx
    .insertInto('worker.full_reads')
    .values({
      account: key.account,
      job: key.job,
      dry_run: key.dryRun,
      purpose: begun.purpose,
      definition: begun.definition,
      started_at: begun.startedAt,
      high: begun.high ?? null,
      total: begun.total === undefined ? null : String(begun.total),
      staged: begun.staged,
      request_id: begun.requestId,
    })
    .returning('id')
    .executeTakeFirstOrThrow()
  await tx
    .insertInto('worker.full_read_ranges')
    .values({ read_id: id, range: 0, behind: null, up_to: null, position: null })
    .execute()
}

/** @throws TransientError if the mirror table has got a column meanwhile, for which the rows of this read have no values */
export async function requireMeant(tx: FencedTransaction, { id, definition }: FullRead): Promise<void> {
  const meant = await tx
    .selectFrom('worker.full_reads')
    .select('id')
    .where('id', '=', id)
    .where('definition', '=', definition)
    .forUpdate()
    .executeTakeFirst()
  if (meant) return
  throw new TransientError('mirror-table', {
    found: 'A column was added to the mirror table while everything was read',
    remedy: 'the next run reads everything again',
  })
}

/** Ends a range at a key, and adds the one that starts there. */
export async function cutRange(
  tx: FencedTransaction,
  readId: string,
  { range, upTo }: Pick<RangeState, 'range' | 'upTo'>,
  rest: Pick<RangeState, 'range' | 'behind' | 'upTo'>,
): Promise<void> {
  const text = (key: Position | undefined) => (key ? JSON.stringify(key) : null)
  await tx
    .updateTable('worker.full_read_ranges')
    .set({ up_to: text(upTo) })
    .where('read_id', '=', readId)
    .where('range', '=', range)
    .execute()
  await tx
    .insertInto('worker.full_read_ranges')
    .values({
      read_id: readId,
      range: rest.range,
      behind: text(rest.behind),
      up_to: text(rest.upTo),
      position: null,
    })
    .execute()
}

/** A statement for the transaction that commits a page of the range, or finds that none is left. */
export function saveRange(
  readId: string,
  { range, position: reached, rows, done }: Pick<RangeState, 'range' | 'position' | 'rows' | 'done'>,
  condition: RawBuilder<boolean> = sql`true`,
): RawBuilder<unknown> {
  return sql`
    update worker.full_read_ranges
    set position = ${reached ? JSON.stringify(reached) : null}::jsonb, rows = ${rows}::bigint, done = ${done}::boolean
    where read_id = ${readId} and range = ${range} and ${condition}`
}

/** How many of the compared rows were marked as deleted. */
export async function countGone(tx: FencedTransaction, readId: string, marked: number): Promise<void> {
  await sql`update worker.full_reads set gone = gone + ${marked}::bigint where id = ${readId}`.execute(tx)
}

/** Deletes the positions of reads, so that the next run of the job reads everything. */
export async function forgetReads(tx: Transaction<WorkerTables>, of: Partial<FullReadKey>): Promise<void> {
  await endFullReads(tx, of)
  await forgetMissingRows(tx, of)
  const { account, job } = of
  await sql`delete from worker.checkpoints
    where ${isWanted('account', account)} and ${isWanted('job', job)}`.execute(tx)
}

/** Deletes unfinished and finished reads: of a job, of an account, or of both. */
export async function endFullReads(
  tx: Transaction<WorkerTables>,
  { account, job, dryRun }: Partial<FullReadKey>,
): Promise<void> {
  const ours = sql`${isWanted('account', account)} and ${isWanted('job', job)}
    and (${dryRun ?? null}::boolean is null or dry_run = ${dryRun ?? null})`
  await allowHours(tx)
  await sql`${patient} delete from worker.staged_keys
    where read_id in (select id from worker.full_reads where ${ours})`.execute(tx)
  await sql`delete from worker.full_reads where ${ours}`.execute(tx)
}
