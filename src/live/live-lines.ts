import { jobsOf } from '../definitions/account-jobs.ts'
import { roleOf } from '../definitions/contract.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import type { Doorbell } from '../definitions/doorbell.ts'
import type { AccountAccess } from '../gate/account-access.ts'

/** A job of an account with subscriptions. */
export interface LiveJob {
  readonly job: string
  readonly doorbell: Doorbell
}

/** The live jobs of an account by their roles: a connection acts as one. */
export function listLiveJobs(
  { account }: Pick<AccountAccess, 'account'>,
  jobs: Iterable<JobDefinition>,
): ReadonlyMap<string, readonly LiveJob[]> {
  if (!account.hasura) return new Map()
  const live = jobsOf(account, jobs).flatMap(job => {
    const { name, doorbell } = job
    const role = roleOf(job)
    return doorbell && role !== undefined ? [{ job: name, doorbell, role }] : []
  })
  return Map.groupBy(live, ({ role }) => role)
}
