import type { Account, ScheduleRule } from '../account.ts'
import { ownValue } from '../names/own-value.ts'
import type { JobDefinition } from './define-job.ts'

/** The jobs that run for an account: those it names, or all for which it has the endpoint. */
export function jobsOf(account: Account, jobs: Iterable<JobDefinition>): readonly JobDefinition[] {
  const { jobs: named, hasura } = account
  if (named) return [...jobs].filter(job => named.includes(job.name))
  return [...jobs].filter(({ requirement }) => hasura !== undefined || !requirement || !('role' in requirement))
}

/** The mirror tables that a job writes. */
export function tablesOf({ into = [] }: Pick<JobDefinition, 'into'>): readonly string[] {
  return [into].flat()
}

/** When a job runs for an account; undefined if it runs only on demand. */
export function scheduleOf(account: Account, job: JobDefinition): ScheduleRule | undefined {
  const own = ownValue(account.schedules, job.name)
  return own === null ? undefined : (own ?? job.schedule)
}
