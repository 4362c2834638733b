import { ConfigError } from '../errors.ts'
import { findRoleProblem, findTwinRoles } from '../hasura/role-name.ts'
import { checkOperation, schemaFolder as committedSchemas, loadRoleSchema } from '../hasura/role-schema.ts'
import type { JobDefinition } from '../jobs/define-job.ts'
import { findRuleProblem } from '../schedule-rule.ts'
import { roleOf } from './operation-problems.ts'

/**
 * What can be seen to be wrong with the job list before anything runs: names and mirror tables used twice, schedules that never
 * come, operations that the job's role can't send.
 *
 * @param schemaFolder where the SDL of each role is
 * @throws ConfigError with every problem
 */
export async function checkJobs(jobs: readonly JobDefinition[], schemaFolder = committedSchemas): Promise<void> {
  const problems = [
    ...findTwice(jobs.map(job => job.name)).map(name => `Two jobs are called "${name}".`),
    ...findTwice(jobs.flatMap(job => job.into ?? [])).map(
      table => `Two jobs write mirror.${table}: the rows of one would be overwritten by the other.`,
    ),
  ]
  const roles = jobs.flatMap(job => roleOf(job) ?? [])
  for (const twins of findTwinRoles(roles)) {
    problems.push(
      `Roles ${twins.map(role => `"${role}"`).join(' and ')} have one schema file where case doesn't tell names apart: rename one of them.`,
    )
  }
  for (const job of jobs) {
    if (!/^[a-z][a-z0-9-]*$/.test(job.name)) problems.push(`Job "${job.name}": a name is lower case words with dashes.`)
    const problem = job.schedule && findRuleProblem(job.schedule)
    if (problem) problems.push(`Job "${job.name}": ${problem}.`)
    problems.push(...(await findOperationProblems(job, schemaFolder)))
  }
  if (problems.length > 0) throw new ConfigError(problems)
}

async function findOperationProblems(job: JobDefinition, schemaFolder: URL): Promise<string[]> {
  const role = roleOf(job)
  if (role === undefined) return []
  const problem = findRoleProblem(role)
  if (problem) return [`Job "${job.name}": ${problem.found}: ${problem.remedy}.`]
  if (!job.operations?.length) return []
  try {
    const schema = await loadRoleSchema(schemaFolder, role)
    const problems = job.operations.flatMap(operation =>
      checkOperation(operation, schema).map(problem => `Job "${job.name}" as role "${role}": ${problem}`),
    )
    return problems.length > 0 ? problems : (job.findProblems?.(schema) ?? []).map(said => `Job "${job.name}": ${said}`)
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map(problem => `Job "${job.name}": ${problem}`)
    throw error
  }
}

function findTwice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}
