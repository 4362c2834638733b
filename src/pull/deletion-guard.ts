import { RefusalError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import type { DeletionGuard, PullRun } from './pull-run.ts'

export interface MissingKeys {
  /** The account's rows that are mirrored and not deleted. */
  readonly here: number
  /** Those of them that the read has not found. */
  readonly missingThere: number
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
  const percent = `${Math.round(guard.share * 100)} %`
  return {
    found: `${missingThere} of the ${here} rows that ${job} has mirrored are no longer visible to account "${account}", and more than ${percent} at once looks like a lost permission`,
    remedy: `restore the permission, or run "npm run -s cli -- run ${job} --account ${account} --allow-deletions" to mark them as deleted`,
  }
}
