import { z } from 'zod'
import type { JobResult, NoResult } from '../definitions/define-job.ts'
import { leastPauseMs, PermanentError } from '../errors.ts'
import { showIssues } from '../failures/show-issues.ts'
import { explainUnknown } from '../names/find-named.ts'

const waits = z.object({ waitMs: z.number() })
const hasSteps = z.object({ steps: z.array(z.string()) })
const isOver = z.object({
  from: z.string().optional(),
  to: z.string().optional(),
  counts: z.object({}).catchall(z.number().optional()).optional(),
})

/**
 * Checks what a job has returned, and gives a pause that is too short its least length. Node doesn't check types, and the store can't
 * keep every value. The job has done its work, so running it again isn't the remedy.
 *
 * @param run its job and account, and the names of the account's jobs
 * @throws PermanentError (`result`, `steps`)
 */
export function readResult(
  returned: JobResult | NoResult,
  run: { readonly job: string; readonly account: string; readonly accountJobs: ReadonlySet<string> },
): JobResult {
  if (returned === undefined) return {}
  const keys = Object(returned)
  const { error } = ('waitMs' in keys ? waits : 'steps' in keys ? hasSteps : isOver).safeParse(returned)
  if (error) {
    throw new PermanentError('result', {
      found: `What ${run.job} returned is not the result of a job (${showIssues(error)})`,
      remedy: 'return finite numbers as counts and waitMs, texts as from and to, and a list of names as steps',
    })
  }
  if ('waitMs' in returned && returned.waitMs !== undefined) return { waitMs: Math.max(leastPauseMs, returned.waitMs) }
  const unknown = 'steps' in returned ? returned.steps?.find(name => !run.accountJobs.has(name)) : undefined
  if (unknown !== undefined) {
    throw new PermanentError('steps', {
      found: `Step "${unknown}" of ${run.job} is not a job of account "${run.account}"`,
      remedy: explainUnknown('job', unknown, run.accountJobs).remedy,
    })
  }
  return returned
}
