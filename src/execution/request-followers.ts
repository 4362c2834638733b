import { jobsOf, tablesOf } from '../definitions/account-jobs.ts'
import { requestRun } from '../runs/requests.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import type { RunCounts } from '../states.ts'
import type { Execution } from './execution.ts'

/**
 * Requests the jobs that follow the mirror tables which a run may have written. It doesn't throw: followers also have a
 * schedule, which makes up for lost wake-ups.
 *
 * @param counts undefined if the run reported none, or failed; some of its pages may be committed
 */
export async function requestFollowers(
  deps: Pick<RunDeps, 'store' | 'jobs' | 'wake' | 'log' | 'observer'>,
  { job, access: { account }, kept }: Pick<Execution, 'job' | 'access' | 'kept'>,
  counts: RunCounts | undefined,
): Promise<void> {
  const written = tablesOf(job)
  if (written.length === 0 || hasWrittenNothing(counts)) return
  const followers = jobsOf(account, deps.jobs.values()).filter(({ follows }) => follows?.some(t => written.includes(t)))
  for (const { name } of followers) {
    const made = { trigger: 'job', caller: `job:${job.name}`, trace: kept } as const
    try {
      await requestRun(deps, { account: account.name, job: name, payload: {}, ...made })
    } catch (error) {
      deps.log.debug({ error, follower: name }, 'a follower of the changes could not be requested')
    }
  }
}

function hasWrittenNothing(counts: RunCounts | undefined): boolean {
  if (!counts) return false
  const { inserted = 0, updated = 0, deleted = 0, revived = 0 } = counts
  return inserted + updated + deleted + revived === 0
}
