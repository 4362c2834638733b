import { RefusalError } from '../errors.ts'
import { endFullReads, type FullRead } from './full-read-record.ts'
import type { PageRows } from './page-rows.ts'
import { commit, type DeletionGuard, type PullRun, tally } from './pull-run.ts'
import { readPages } from './read-pages.ts'
import { among } from './scan.ts'
import { countMissing, findUnsettled, forgetUnsettled, listUnsettled, type MissingKeys } from './stage-keys.ts'
import { markDeleted, writePage } from './write-page.ts'

/** Keys asked for at once. */
const batch = 200

/**
 * Behind a read of everything: what it has found to differ is read again by its key, and what isn't there any more is marked
 * as deleted.
 *
 * @throws RefusalError (`deletion-guard`) when too much seems to be gone; the read has to be begun anew then
 */
export async function settle(run: PullRun, read: FullRead): Promise<void> {
  if (read.phase === 'reading') await listDifferences(run, read)
  if (run.context.dryRun) return
  const { context, remote, mirror, key, counts } = run
  for (;;) {
    const unsettled = await findUnsettled(context.store, read.id, batch)
    const last = unsettled.at(-1)
    if (!last) return
    const keys = unsettled.map(each => each.key)
    const where = among(remote.key, keys)
    for await (const page of readPages(remote, { document: remote.rows, order: remote.key, where }, context.signal)) {
      const written = await commit(run, tx => writePage(tx, mirror, key.account, run.rowsOf(page.rows)))
      tally(counts, page.rows.count, written)
    }
    // Asked for behind the rows: what vanishes in between is found now, and what appears is left to the next scan.
    const there: PageRows[] = []
    const askedKeys = { document: remote.derived.keys, order: remote.key, where }
    for await (const page of readPages(remote, askedKeys, context.signal)) {
      there.push(page.rows)
    }
    counts.deleted += await commit(run, async tx => {
      await forgetUnsettled(tx, read.id, last.id)
      return markDeleted(tx, mirror, key.account, keys, there)
    })
    context.signal.throwIfAborted()
  }
}

async function listDifferences(run: PullRun, read: FullRead): Promise<void> {
  const { context, mirror, key, guard, cursor, counts } = run
  const missing = await commit(run, tx => countMissing(tx, read.id, mirror, key.account))
  if (!context.allowDeletions && isTooMuch(missing, guard)) {
    await context.transaction(tx => endFullReads(tx, { ...key, dryRun: context.dryRun }))
    throw new RefusalError('deletion-guard', 'job', explain(key.job, key.account, missing, guard))
  }
  if (context.dryRun) {
    const listed = await commit(run, async tx => {
      await listUnsettled(tx, read, mirror, key.account, cursor?.column)
      return (await findUnsettled(tx, read.id, Number.MAX_SAFE_INTEGER)).length
    })
    counts.deleted += missing.missingThere
    // The scan before it has counted what it would write, and that still differs here.
    counts.updated += Math.max(0, listed - missing.missingThere - counts.inserted - counts.updated - counts.revived)
    return
  }
  await context.transaction(tx => listUnsettled(tx, read, mirror, key.account, cursor?.column))
}

/** Pure, so that its two limits can be tried with any numbers. */
export function isTooMuch({ here, missingThere }: MissingKeys, { share, floor }: DeletionGuard): boolean {
  return missingThere > floor && missingThere > here * share
}

function explain(job: string, account: string, { here, missingThere }: MissingKeys, guard: DeletionGuard): string {
  const percent = `${Math.round(guard.share * 100)} %`
  return `${missingThere} of the ${here} rows that ${job} has mirrored are no longer visible to account "${account}", and more than ${percent} at once looks like a lost permission: give it back, or run "run ${job} --account ${account} --allow-deletions" to mark them as deleted`
}
