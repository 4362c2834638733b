import { dropHolds } from '../holds/holds.ts'
import { forgetReads } from '../pull/full/full-read-record.ts'
import { type FreeLinesDeps, withFreeLines } from './free-lines.ts'

/** Deletes the checkpoint, so that the next run reads everything. The mirrored rows stay until then. */
export async function resetJob(deps: FreeLinesDeps, account: string, job: string): Promise<void> {
  await withFreeLines(deps, account, [job], async () => {
    await deps.store.transaction().execute(async tx => {
      await forgetReads(tx, { account, job })
      await dropHolds(tx, account, job)
    })
  })
}
