import { RefusalError } from '../../errors.ts'
import { recordMissingRows } from '../../mirror/missing-rows.ts'
import type { FencedTransaction } from '../../store/store.ts'
import { forgetSweep } from '../checkpoint.ts'
import { requireAllowed } from '../deletion-guard.ts'
import { commit, type PullRun } from '../pull-run.ts'
import { readKeys } from '../read-keys.ts'
import { countGone, endFullReads, type FullRead } from './full-read-record.ts'
import { countMissing, findUnsettled, firstMissing, forgetUnsettled, listUnsettled, planForMany } from './stage-keys.ts'

/** Keys per request. */
const batch = 200

/**
 * After a read of everything: rows that seem to differ are read again by key, and missing ones are marked as deleted.
 *
 * @throws RefusalError (`deletion-guard`) if too many seem to be gone; the read must then start again
 */
export async function settle(run: PullRun, read: FullRead): Promise<void> {
  const compared = read.phase === 'reading' ? await compare(run, read) : read
  if (run.context.dryRun) return
  const { context } = run
  let { gone } = read
  for (;;) {
    const unsettled = await findUnsettled(context.store, read.id, batch)
    const last = unsettled.at(-1)
    if (!last) return
    const keys = unsettled.map(each => each.key)
    const before = gone
    gone += await readKeys(run, keys, async (tx, marked) => {
      await forgetUnsettled(tx, read.id, last.id)
      // A permission may have been lost since everything was compared.
      if (marked > 0) requireAllowed(run, { here: compared.here, missingThere: before + marked })
      await countGone(tx, read.id, marked)
    }).catch(error => compareAnewAfter(run, error))
  }
}

/** Finds what differs, and refuses if too many rows are missing in the API. */
async function compare(run: PullRun, read: FullRead): Promise<Pick<FullRead, 'here'>> {
  const { context, mirror, key, cursor, counts } = run
  const missing = await commit(run, tx => countMissing(tx, read.id, mirror, key.account))
  try {
    requireAllowed(run, missing)
  } catch (error) {
    await compareAnewAfter(run, error, async tx => {
      await planForMany(tx)
      await recordMissingRows(tx, key, missing, firstMissing(read.id, mirror, key.account))
    })
  }
  if (context.dryRun) {
    const listed = await commit(run, tx => listUnsettled(tx, read, mirror, key.account, cursor?.column, missing.here))
    // The scan before it has counted what it would write, which still differs here.
    const { inserted, updated, deleted, revived } = counts
    counts.updated += Math.max(0, listed - missing.missingThere - inserted - updated - deleted - revived)
    counts.deleted += missing.missingThere
    return missing
  }
  await context.transaction(tx => listUnsettled(tx, read, mirror, key.account, cursor?.column, missing.here))
  return missing
}

/**
 * The read is discarded, so that a restored permission is noticed; the sweep stays due until it passes.
 *
 * @param record stores which rows are missing, while the read is still there
 */
async function compareAnewAfter(
  { context, key }: PullRun,
  error: unknown,
  record?: (tx: FencedTransaction) => Promise<void>,
): Promise<never> {
  if (error instanceof RefusalError && error.code === 'deletion-guard') {
    await context.transaction(async tx => {
      if (!context.dryRun) await record?.(tx)
      await endFullReads(tx, { ...key, dryRun: context.dryRun })
      if (!context.dryRun) await forgetSweep(tx, key)
    })
  }
  throw error
}
