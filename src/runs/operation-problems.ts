import { checkOperation, type RoleSchema } from '../hasura/role-schema.ts'
import type { JobDefinition } from '../jobs/define-job.ts'

/** What a role's schema has against the operations of its jobs; empty when they can all be sent. */
export function findOperationProblems(jobs: readonly JobDefinition[], schema: RoleSchema): string[] {
  return jobs
    .filter(job => roleOf(job) === schema.role)
    .flatMap(job =>
      (job.operations ?? []).flatMap(operation =>
        checkOperation(operation, schema).map(said => `${job.name}: ${said}`),
      ),
    )
}

export function roleOf(job: JobDefinition): string | undefined {
  return job.requirement && 'role' in job.requirement ? job.requirement.role : undefined
}
