import { ConfigError, RefusalError } from '../errors.ts'
import { causedBy, type Explanation, toExplanation } from '../explanation.ts'
import { checkOperation, loadRoleSchema, type RoleSchema } from '../hasura/role-schema.ts'
import type { JobDefinition } from './define-job.ts'

/** Which operations of its jobs don't fit a role's schema; empty if all are valid. */
export function findDocumentProblems(jobs: readonly JobDefinition[], schema: RoleSchema): string[] {
  return jobs
    .filter(job => roleOf(job) === schema.role)
    .flatMap(job => operationProblemsOf(job, schema).map(said => `${job.name}: ${said}`))
}

/**
 * Why a job can't run with the committed SDL of its role. The SDL is read each time, because it may have been pulled meanwhile.
 *
 * @param schemaFolder contains the SDL of each role
 * @returns a refusal of only this job (`contract`); undefined if the job fits
 */
export async function findContractRefusal(job: JobDefinition, schemaFolder: URL): Promise<RefusalError | undefined> {
  const role = roleOf(job)
  if (role === undefined || !job.operations?.length) return undefined
  const found = `Job "${job.name}" can't run as role "${role}"`
  try {
    const problems = findContractProblems(job, await loadRoleSchema(schemaFolder, role))
    if (problems.length === 0) return undefined
    const remedies = new Set(problems.flatMap(({ remedy }) => remedy ?? []))
    return new RefusalError('contract', 'job', {
      found: `${found} (${problems.map(problem => problem.found.replace(/\.$/, '')).join('; ')})`,
      remedy: remedies.size > 0 ? [...remedies].join('; ') : remedyFor(role),
    })
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    const [problem = { found: error.message }] = error.problems
    return new RefusalError('contract', 'job', causedBy(found, problem))
  }
}

export function roleOf(job: JobDefinition): string | undefined {
  return job.requirement && 'role' in job.requirement ? job.requirement.role : undefined
}

/** Each role that a job runs as, once. */
export function rolesOf(jobs: readonly JobDefinition[]): string[] {
  return [...new Set(jobs.flatMap(job => roleOf(job) ?? []))]
}

function remedyFor(role: string): string {
  return `compare its operation and options with what the role may see (run "npm run -s cli -- schema pull --role ${role}", then "npm run codegen"), or give the role the permission in Hasura`
}

/** Validation takes a while, and an unchanged schema gives the same result. */
const knownProblems = new WeakMap<RoleSchema, Map<JobDefinition, readonly Explanation[]>>()

/** How a job conflicts with the schema of its role: its operations or, if they are valid, its options. */
export function findContractProblems(job: JobDefinition, schema: RoleSchema): readonly Explanation[] {
  const ofSchema = knownProblems.get(schema) ?? new Map<JobDefinition, readonly Explanation[]>()
  knownProblems.set(schema, ofSchema)
  const known = ofSchema.get(job)
  if (known) return known
  const invalid = operationProblemsOf(job, schema)
  const problems = (invalid.length > 0 ? invalid : (job.findProblems?.(schema) ?? [])).map(toExplanation)
  ofSchema.set(job, problems)
  return problems
}

function operationProblemsOf({ operations = [] }: JobDefinition, schema: RoleSchema): readonly string[] {
  return operations.flatMap(operation => checkOperation(operation, schema))
}
