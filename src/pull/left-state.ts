import { sql } from 'kysely'
import { type FoundTable, lookUpTable, readFoundTable } from '../mirror/found-table.ts'
import type { MirrorTable } from '../mirror/mirror-table.ts'
import { prepared } from '../store/prepared-statements.ts'
import type { FencedTransaction, StoreReader } from '../store/store.ts'
import { type Checkpoint, type CheckpointKey, type MirrorState, readCheckpoint } from './checkpoint.ts'
import type { ColumnVersions } from './column-versions.ts'
import { type FullRead, findFullRead } from './full/full-read-record.ts'

/** What the runs before have left. */
export interface LeftState {
  /** Undefined before the first run. */
  readonly known: (Checkpoint & MirrorState) | undefined
  readonly unfinished: FullRead | undefined
}

/**
 * Finds what the runs before have left, and what there is of the mirror table: in one round trip, unless a full read is unfinished.
 * What the table lacks isn't left: someone has dropped it.
 *
 * @throws like `readCheckpoint`
 */
export async function findLeftState(
  store: StoreReader,
  { dryRun, ...key }: CheckpointKey & { readonly dryRun: boolean },
  mirror: MirrorTable,
): Promise<LeftState & { readonly there: FoundTable }> {
  const { account, job } = key
  const { fingerprint, unfinished, ...row } = await store
    .selectFrom(lookUpTable(mirror.name))
    .leftJoin('worker.checkpoints as c', join => join.on('c.account', '=', account).on('c.job', '=', job))
    .leftJoin('worker.full_reads as f', join =>
      join.on('f.account', '=', account).on('f.job', '=', job).on('f.dry_run', '=', dryRun),
    )
    .modifyFront(prepared)
    .selectAll(['found', 'c'])
    .select('f.id as unfinished')
    .executeTakeFirstOrThrow()
  const there = readFoundTable(row)
  const known = fingerprint === null ? undefined : readCheckpoint({ ...row, fingerprint }, key)
  const isComplete = mirror.columns.every(({ name }) => there.columns.has(name))
  return {
    known: known && there.columns.size > 0 ? { ...known, versions: withoutDropped(known.versions, there) } : undefined,
    unfinished: unfinished === null || !isComplete ? undefined : await findFullRead(store, { account, job, dryRun }),
    there,
  }
}

function withoutDropped(known: ColumnVersions | undefined, there: FoundTable): ColumnVersions | undefined {
  const columns = Object.entries(known?.columns ?? {}).filter(([name]) => there.columns.has(name))
  return known && { ...known, columns: Object.fromEntries(columns) }
}

/** For columns that were added to the mirror table: no account's rows have values for them, whatever was read before. */
export async function forgetColumns(tx: FencedTransaction, job: string, columns: readonly string[]): Promise<void> {
  await sql`update worker.checkpoints set columns = columns - ${columns}::text[] where job = ${job}`.execute(tx)
  // It belongs to no definition now, so that no run resumes it.
  await sql`update worker.full_reads set definition = '' where job = ${job}`.execute(tx)
}
