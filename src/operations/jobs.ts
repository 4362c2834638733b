import { z } from 'zod'
import type { JobDefinition } from '../definitions/define-job.ts'
import { findJobProblems } from '../definitions/find-job-problems.ts'
import { propertiesOf } from '../definitions/payload-properties.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { describeRule } from '../time/schedule-rule.ts'
import { defineOperation } from './operation.ts'

const jobReportSchema = z.object({
  name: z.string(),
  requirement: z.unknown(),
  schedule: z.string().nullable(),
  into: z.string().nullable(),
  /** The properties that its payload may have. */
  takes: z.array(z.string()),
  /** What keeps it from running wherever it runs, whether or not it is held already. */
  problem: z.string().nullable(),
})

export const listJobs = defineOperation({
  route: 'GET /jobs',
  isPublic: false,
  input: z.object({}),
  output: z.array(jobReportSchema),
  run: ({ deps }) => Promise.all([...deps.jobs.values()].map(job => describeJob(deps, job))),
})

async function describeJob(deps: RunDeps, job: JobDefinition): Promise<z.infer<typeof jobReportSchema>> {
  const problems = await findJobProblems(deps, job)
  return {
    name: job.name,
    requirement: job.requirement ?? null,
    schedule: job.schedule ? describeRule(job.schedule) : null,
    into: [job.into ?? []].flat().join(', ') || null,
    takes: propertiesOf(job.payload),
    problem: problems.map(({ message }) => message).join('; ') || null,
  }
}
