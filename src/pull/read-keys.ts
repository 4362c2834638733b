import type { Rows } from '../hasura/rows.ts'
import { explainWriteFailure } from '../mirror/write-failure.ts'
import { markDeleted } from '../mirror/write-page.ts'
import type { Position } from '../store/schema.ts'
import type { FencedTransaction } from '../store/store.ts'
import { commit, type PullRun, writeAnyRows } from './pull-run.ts'
import { readPages } from './remote/read-pages.ts'
import { among } from './remote/scan.ts'

/**
 * Reads rows again by key, and marks missing ones as deleted.
 *
 * @param keys few enough for one transaction
 * @param settle runs in the transaction that marks, with the number of newly marked rows
 * @returns that number
 */
export async function readKeys(
  run: PullRun,
  keys: readonly Position[],
  settle: (tx: FencedTransaction, marked: number) => Promise<void>,
): Promise<number> {
  const { context, remote, mirror, key, counts } = run
  const wheres = among(remote.key, keys)
  for (const where of wheres) {
    for await (const page of readPages(remote, { document: remote.rows, order: remote.key, where }, context.signal)) {
      await writeAnyRows(run, page.rows)
    }
  }
  // Requested after the rows: what vanishes in between is found now, and what appears is left to the next scan.
  const there: Rows[] = []
  for (const where of wheres) {
    const askedKeys = { document: remote.derived.keys, order: remote.key, where }
    for await (const page of readPages(remote, askedKeys, context.signal)) there.push(page.rows)
  }
  const deleted = await commit(run, async tx => {
    const marked = await markDeleted(tx, mirror, key.account, keys, there)
    await settle(tx, marked)
    return marked
  }).catch((error: unknown) => {
    throw explainWriteFailure(error, mirror) ?? error
  })
  counts.deleted += deleted
  context.signal.throwIfAborted()
  return deleted
}
