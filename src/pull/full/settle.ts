import { type Explanation, RefusalError } from '../../errors.ts'
import type { Rows } from '../../hasura/rows.ts'
import { markDeleted } from '../../mirror/write-page.ts'
import { forgetSweep } from '../checkpoint.ts'
import { commit, type DeletionGuard, leaveInAnyRows, type PullRun, writeRows } from '../pull-run.ts'
import { readPages } from '../remote/read-pages.ts'
import { among } from '../remote/scan.ts'
import { countGone, endFullReads, type FullRead } from './full-read-record.ts'
import {
  analyzeStagedKeys,
  countMissing,
  findUnsettled,
  forgetUnsettled,
  listUnsettled,
  type MissingKeys,
} from './stage-keys.ts'

/** Keys asked for at once. */
const batch = 200

/**
 * Behind a read of everything: what it has found to differ is read again by its key, and what isn't there any more is marked
 * as deleted.
 *
 * @throws RefusalError (`deletion-guard`) when too much seems to be gone; the read has to be begun anew then
 */
export async function settle(run: PullRun, read: FullRead): Promise<void> {
  const compared = read.phase === 'reading' ? await compare(run, read) : read
  if (run.context.dryRun) return
  const { context, remote, mirror, key, counts } = run
  let { gone } = read
  for (;;) {
    const unsettled = await findUnsettled(context.store, read.id, batch)
    const last = unsettled.at(-1)
    if (!last) return
    const keys = unsettled.map(each => each.key)
    const where = among(remote.key, keys)
    for await (const page of readPages(remote, { document: remote.rows, order: remote.key, where }, context.signal)) {
      await writeRows(run, page.rows, tx => leaveInAnyRows(tx, run))
    }
    // Asked for behind the rows: what vanishes in between is found now, and what appears is left to the next scan.
    const there: Rows[] = []
    const askedKeys = { document: remote.derived.keys, order: remote.key, where }
    for await (const page of readPages(remote, askedKeys, context.signal)) there.push(page.rows)
    const before = gone
    const deleted = await commit(run, async tx => {
      await forgetUnsettled(tx, read.id, last.id)
      const marked = await markDeleted(tx, mirror, key.account, keys, there)
      // A permission may have been lost since everything was compared.
      const missing = { here: compared.here, missingThere: before + marked }
      if (marked > 0) requireAllowed(run, missing)
      await countGone(tx, read.id, marked)
      return marked
    }).catch(error => beginAnewAfter(run, error))
    gone += deleted
    counts.deleted += deleted
    context.signal.throwIfAborted()
  }
}

/** Finds what differs, and refuses when too much is missing there. */
async function compare(run: PullRun, read: FullRead): Promise<Pick<FullRead, 'here'>> {
  const { context, mirror, key, cursor, counts } = run
  await context.transaction(analyzeStagedKeys)
  const missing = await commit(run, tx => countMissing(tx, read.id, mirror, key.account))
  try {
    requireAllowed(run, missing)
  } catch (error) {
    await beginAnewAfter(run, error)
  }
  if (context.dryRun) {
    const listed = await commit(run, async tx => {
      await listUnsettled(tx, read, mirror, key.account, cursor?.column, missing.here)
      return (await findUnsettled(tx, read.id, Number.MAX_SAFE_INTEGER)).length
    })
    // The scan before it has counted what it would write, and that still differs here.
    const { inserted, updated, deleted, revived } = counts
    counts.updated += Math.max(0, listed - missing.missingThere - inserted - updated - deleted - revived)
    counts.deleted += missing.missingThere
    return missing
  }
  await context.transaction(tx => listUnsettled(tx, read, mirror, key.account, cursor?.column, missing.here))
  return missing
}

function requireAllowed({ guard, key }: PullRun, missing: MissingKeys): void {
  if (!guard || !isTooMuch(missing, guard)) return
  throw new RefusalError('deletion-guard', 'job', explain(key.job, key.account, missing, guard))
}

/** What was read is given up, so that it is seen when a permission is given back; and it stays due until it was let through. */
async function beginAnewAfter({ context, key }: PullRun, error: unknown): Promise<never> {
  if (error instanceof RefusalError && error.code === 'deletion-guard') {
    await context.transaction(async tx => {
      await endFullReads(tx, { ...key, dryRun: context.dryRun })
      if (!context.dryRun) await forgetSweep(tx, key)
    })
  }
  throw error
}

/** Pure, so that its two limits can be tried with any numbers. */
export function isTooMuch({ here, missingThere }: MissingKeys, { share, floor }: DeletionGuard): boolean {
  return missingThere > floor && missingThere > here * share
}

function explain(job: string, account: string, { here, missingThere }: MissingKeys, guard: DeletionGuard): Explanation {
  const percent = `${Math.round(guard.share * 100)} %`
  return {
    found: `${missingThere} of the ${here} rows that ${job} has mirrored are no longer visible to account "${account}", and more than ${percent} at once looks like a lost permission`,
    remedy: `give it back, or run "run ${job} --account ${account} --allow-deletions" to mark them as deleted`,
  }
}
