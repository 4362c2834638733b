import { jobsOf } from '../definitions/account-jobs.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { UsageError } from '../errors.ts'
import { explainIssues, remedyOfPayload } from '../failures/explain-issues.ts'
import { parseSafely } from '../failures/parse-safely.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import { chooseNamed, getNamed } from '../names/find-named.ts'
import type { RunDeps } from '../runs/run-deps.ts'

/**
 * Looks up the names and parses the payload, before anything is stored.
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
      remedy:
        access.account.jobs === undefined
          ? 'set HASURA_URL, which its role needs (hasuraUrl in an accounts file)'
          : `add it to "jobs" of the account (now ${own.join(', ') || 'none'})`,
    })
  }
  const payload = parseSafely(job.payload, wanted.payload ?? {})
  if (!payload.success) {
    const found = `The payload of ${job.name} is invalid (${explainIssues(payload.error, 'payload')})`
    throw new UsageError({ found, remedy: remedyOfPayload(wanted.payload, payload.error) })
  }
  // The payload is stored as it was given: the run parses it again, possibly with a later version's schema.
  return { job, access, payload: wanted.payload ?? {} }
}

/**
 * The matches of a filter.
 *
 * @throws NotFoundError if there are none and the filter names something unknown
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
 * A filter that matches nothing may have a typo. A job that is no longer defined may still have requests; if no jobs could be
 * loaded, none can be checked.
 *
 * @throws NotFoundError
 */
export function requireNames({ jobs, accounts }: RunDeps, { job, account }: LineFilter): void {
  if (job !== undefined && jobs.size > 0) getNamed('job', jobs, job)
  if (account !== undefined) getNamed('account', accounts, account)
}
