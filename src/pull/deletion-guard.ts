import { RefusalError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { MissingKeys } from '../mirror/missing-rows.ts'
import type { DeletionGuard, PullRun } from './pull-run.ts'
import type { PullPayload } from './pull-settings.ts'

/** @returns undefined if a run may delete however many rows are gone */
export function guardOf({ allowDeletions }: PullPayload, usual: DeletionGuard): DeletionGuard | undefined {
  if (typeof allowDeletions === 'number') return { share: 0, floor: allowDeletions }
  return allowDeletions ? undefined : usual
}

/** @throws RefusalError (`deletion-guard`) */
export function requireAllowed({ guard, key }: PullRun, missing: MissingKeys): void {
  if (!guard || !isTooMuch(missing, guard)) return
  throw new RefusalError('deletion-guard', 'job', explain(key.job, key.account, missing, guard))
}

/** Pure, so that both limits can be tested with any numbers. */
export function isTooMuch({ here, missingThere }: MissingKeys, { share, floor }: DeletionGuard): boolean {
  return missingThere > floor && missingThere > here * share
}

function explain(job: string, account: string, { here, missingThere }: MissingKeys, guard: DeletionGuard): Explanation {
  const limit =
    guard.share > 0
      ? `more than ${Math.round(guard.share * 100)} % at once looks like a lost permission`
      : `at most ${guard.floor} may be deleted at once`
  return {
    found: `${missingThere} of the ${here} rows that ${job} has mirrored are no longer visible to account "${account}", and ${limit}`,
    remedy: `restore the permission, or run "npm run -s cli -- run ${job} --account ${account} --allow-deletions" to mark them as deleted`,
  }
}
