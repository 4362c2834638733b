import { explainPage, type PullRun } from '../pull-run.ts'
import { endComplete, openFullRead } from './full-load.ts'
import type { FullRead } from './full-read-record.ts'
import { readRanges } from './read-ranges.ts'
import { settle } from './settle.ts'
import { stageKeys } from './stage-keys.ts'

/**
 * Reads all keys and cursors, and brings the mirror up to date with what no cursor shows: rows that were deleted, that became
 * visible with an old cursor, or whose cursor moved in an unexpected way.
 *
 * @throws RefusalError (`deletion-guard`)
 */
export async function sweep(run: PullRun, unfinished: FullRead | undefined): Promise<void> {
  const { context, remote, mirror, cursor } = run
  const read = await openFullRead(run, 'sweep', unfinished)
  if (read.phase === 'reading') {
    await readRanges(run, remote.derived.keys, read, (page, save) =>
      context
        .transaction(async tx => {
          await save().execute(tx)
          if (page) await stageKeys(tx, read.id, mirror, cursor?.column, page.rows)
        })
        .catch(error => (page ? explainPage(run, page.rows, error) : Promise.reject(error))),
    )
  }
  await settle(run, read)
  await endComplete(run, read)
}
