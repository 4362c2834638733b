import { Kind } from 'graphql'
import { z } from 'zod'
import { findSettingNameProblem } from '../config/setting-name.ts'
import { ConfigError } from '../errors.ts'
import { type Explanation, inPlace, type Told } from '../explanation.ts'
import { findRoleProblem, findTwinRoles } from '../hasura/role-name.ts'
import { findRuleProblem } from '../time/schedule-rule.ts'
import { tablesOf } from './account-jobs.ts'
import { roleOf } from './contract.ts'
import type { JobDefinition } from './define-job.ts'

/** Finds the files of the project that define a job of this name. */
export type FindJobFiles = (name: string) => Promise<readonly string[]>

/**
 * What is wrong with the list of jobs, independent of API and configuration: duplicate names and mirror tables, schedules that
 * are never due, empty requirements. Any other problem of a job holds only that job.
 *
 * @throws ConfigError with every problem, each with its job and file
 */
export async function checkJobList(jobs: readonly JobDefinition[], findFiles: FindJobFiles): Promise<void> {
  const problems: Explanation[] = []
  for (const name of findTwice(jobs.map(job => job.name))) {
    problems.push({
      found: `Two jobs are called "${name}" (${await placeOf([name], findFiles)})`,
      remedy: 'rename one, or list the job only once',
    })
  }
  for (const table of findTwice(jobs.flatMap(tablesOf))) {
    const writers = new Set(jobs.filter(job => tablesOf(job).includes(table)).map(job => job.name))
    problems.push({
      found: `Two jobs write to mirror.${table}: ${[...writers].join(' and ')} (${await placeOf(writers, findFiles)})`,
      remedy: `give one of them another "into", because each would overwrite the other's rows`,
    })
  }
  for (const twins of findTwinRoles(jobs.filter(hasValidRequirement).flatMap(job => roleOf(job) ?? []))) {
    const roles = twins.map(role => `"${role}"`).join(' and ')
    problems.push({
      found: `Roles ${roles} share one schema file on a file system that ignores case`,
      remedy: 'rename one of them in Keycloak and in Hasura',
    })
  }
  for (const job of jobs) {
    for (const problem of findOwnProblems(job)) {
      problems.push(inPlace(`Job "${job.name}" (${await placeOf([job.name], findFiles)})`, problem))
    }
  }
  if (problems.length > 0) throw new ConfigError(problems)
}

function findOwnProblems(job: JobDefinition): readonly Told[] {
  const { name, schedule, operations = [] } = job
  const rule = schedule && findRuleProblem(schedule)
  const isValid = hasValidRequirement(job)
  const role = isValid ? roleOf(job) : undefined
  const roleProblem = role ? findRoleProblem(role) : undefined
  return [
    ...(/^[a-z][a-z0-9-]*$/.test(name) ? [] : ['a name is lower-case words separated by dashes']),
    ...(rule === undefined ? [] : [rule]),
    ...(roleProblem === undefined ? [] : [roleProblem]),
    ...Object.keys(job.settings?.shape ?? {}).flatMap(setting => findSettingNameProblem(setting) ?? []),
    ...(isValid ? [] : [requirementNeeds]),
    ...(operations.every(isDocument) ? [] : [documentNeeds]),
  ]
}

function hasValidRequirement({ requirement }: JobDefinition): boolean {
  return requirement === undefined || requirementSchema.safeParse(requirement).success
}

const names = z.array(z.string().min(1)).min(1)
const requirementSchema = z.union([
  z.strictObject({ role: z.string().min(1) }),
  z.strictObject({ scopes: names }),
  z.strictObject({ clientRoles: z.record(z.string().min(1), names).refine(roles => Object.keys(roles).length > 0) }),
])
const requirementNeeds =
  'its requirement must be { role: "…" }, { scopes: ["…"] } or { clientRoles: { "<client>": ["…"] } }, with non-empty names'

/** Codegen with `documentMode: 'string'` writes texts, and a name that a module doesn't export is undefined. */
function isDocument(operation: unknown): boolean {
  return z.object({ kind: z.literal(Kind.DOCUMENT) }).safeParse(operation).success
}

const documentNeeds =
  "its operations must be documents that are parsed, as codegen writes them without documentMode: 'string'"

async function placeOf(names: Iterable<string>, findFiles: FindJobFiles): Promise<string> {
  const files = await Promise.all([...names].map(findFiles))
  const found = [...new Set(files.flat())]
  return found.length > 0 ? found.join(', ') : 'src/jobs/list.ts'
}

function findTwice(names: readonly string[]): string[] {
  return [...new Set(names.filter((name, index) => names.indexOf(name) !== index))]
}
