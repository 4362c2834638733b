import { jobsOf } from '../definitions/account-jobs.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { UsageError } from '../errors.ts'
import { explainIssues } from '../failures/explain-issues.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import { chooseNamed, getNamed } from '../names/find-named.ts'
import type { RunDeps } from '../runs/run-deps.ts'

/**
 * Finds what the words name and parses the payload, before anything reaches the queue.
 *
 * @throws NotFoundError, UsageError
 */
export function resolve(
  { jobs, accounts }: RunDeps,
  wanted: { readonly job: string; readonly account?: string | undefined; readonly payload?: unknown },
): { job: JobDefinition; access: AccountAccess; payload: unknown } {
  const job = getNamed('job', jobs, wanted.job)
  const access = chooseNamed('account', accounts, wanted.account)
  const own = jobsOf(access.account, jobs.values()).map(({ name }) => name)
  if (!own.includes(job.name)) {
    throw new UsageError({
      found: `${job.name} does not run for account "${access.account.name}"`,
      remedy: `its jobs are ${own.join(', ')}`,
    })
  }
  const payload = job.payload.safeParse(wanted.payload ?? {})
  if (!payload.success) {
    const found = `The payload of ${job.name} is invalid (${explainIssues(payload.error, 'payload')})`
    throw new UsageError(found)
  }
  // The payload goes into the queue as it came: the run parses it again, perhaps with a later version's schema.
  return { job, access, payload: wanted.payload ?? {} }
}

/**
 * What a filter has found.
 *
 * @throws NotFoundError when it has found nothing and names what isn't there
 */
export function checkFound<T>(deps: RunDeps, filter: LineFilter, found: readonly T[]): T[] {
  if (found.length === 0) requireNames(deps, filter)
  return [...found]
}

interface LineFilter {
  readonly job?: string | undefined
  readonly account?: string | undefined
}

/**
 * A filter that finds nothing may have been mistyped. A job that is no longer defined may still have requests; and where none
 * could be loaded, nothing is known of any.
 *
 * @throws NotFoundError
 */
export function requireNames({ jobs, accounts }: RunDeps, { job, account }: LineFilter): void {
  if (job !== undefined && jobs.size > 0) getNamed('job', jobs, job)
  if (account !== undefined) getNamed('account', accounts, account)
}
