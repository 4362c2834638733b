import { type FoundTable, lookUpTable, readFoundTable } from '../mirror/found-table.ts'
import { prepared } from '../store/prepared-statements.ts'
import type { StoreReader } from '../store/store.ts'
import { type Checkpoint, type CheckpointKey, type MirrorState, readCheckpoint } from './checkpoint.ts'
import { type FullRead, findFullRead } from './full/full-read-record.ts'

/** What the runs before have left. */
export interface LeftState {
  /** Undefined before the first run. */
  readonly known: (Checkpoint & MirrorState) | undefined
  readonly unfinished: FullRead | undefined
}

/**
 * Finds what the runs before have left, and what there is of the mirror table: in one round trip, unless a full read is unfinished.
 *
 * @throws like `readCheckpoint`
 */
export async function findLeftState(
  store: StoreReader,
  { dryRun, ...key }: CheckpointKey & { readonly dryRun: boolean },
  mirror: string,
): Promise<LeftState & { readonly there: FoundTable }> {
  const { account, job } = key
  const { fingerprint, unfinished, ...row } = await store
    .selectFrom(lookUpTable(mirror))
    .leftJoin('worker.checkpoints as c', join => join.on('c.account', '=', account).on('c.job', '=', job))
    .leftJoin('worker.full_reads as f', join =>
      join.on('f.account', '=', account).on('f.job', '=', job).on('f.dry_run', '=', dryRun),
    )
    .modifyFront(prepared)
    .selectAll(['found', 'c'])
    .select('f.id as unfinished')
    .executeTakeFirstOrThrow()
  return {
    known: fingerprint === null ? undefined : readCheckpoint({ ...row, fingerprint }, key),
    unfinished: unfinished === null ? undefined : await findFullRead(store, { account, job, dryRun }),
    there: readFoundTable(row),
  }
}
