import { findContractProblems, roleOf } from '../definitions/contract.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { ConfigError, PermanentError, WorkerError } from '../errors.ts'
import { inPlace } from '../explanation.ts'
import type { HasuraClient } from '../hasura/hasura-client.ts'
import { introspectSchema } from '../hasura/introspect-schema.ts'
import { findRoleProblem, schemaFileName } from '../hasura/role-name.ts'
import { isSameSchema, loadRoleSchema, readSchema } from '../hasura/role-schema.ts'
import { combine, type Finding, failWith, ok, skip, warn, warnWith } from './check.ts'

/**
 * Checks each job's operations against the live schema of its role, or against the committed SDL when the role can't introspect.
 *
 * @param allowedRoles of the token: a job whose role is missing is skipped here, because `job-roles` reports it
 */
export async function inspectContract(
  schemaFolder: URL,
  jobs: readonly JobDefinition[],
  allowedRoles: readonly string[],
  openClient: (role: string) => HasuraClient,
  signal: AbortSignal,
): Promise<Finding> {
  const byRole = Map.groupBy(
    jobs.filter(({ operations = [] }) => operations.length > 0),
    roleOf,
  )
  const findings = await Promise.all(
    [...byRole].map(async ([role, own]) =>
      role !== undefined && allowedRoles.includes(role)
        ? inspectRole(schemaFolder, openClient(role), own, signal)
        : undefined,
    ),
  )
  const seen = findings.filter(found => found !== undefined)
  return combine(
    seen.flat(),
    seen.length > 0
      ? ok('every operation is valid on the live API')
      : skip('no job sends an operation that can be checked'),
  )
}

async function inspectRole(
  schemaFolder: URL,
  hasura: HasuraClient,
  jobs: readonly JobDefinition[],
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { role } = hasura
  const problem = findRoleProblem(role)
  if (problem) return [failWith(problem)]
  try {
    const committed = await loadRoleSchema(schemaFolder, role)
    const live = await introspect(hasura, signal)
    const schema = live.sdl === undefined ? committed : readSchema(role, live.sdl)
    const invalid = jobs.flatMap(job =>
      findContractProblems(job, schema).map(problem =>
        failWith(
          inPlace(`${job.name} as role "${role}"`, problem),
          'run "npm run -s cli -- schema pull" and "npm run codegen" and correct the operation, or give the role the permission in Hasura (Data → table → Permissions)',
        ),
      ),
    )
    const risks = jobs.flatMap(job => {
      const risk = findContractProblems(job, schema).length > 0 ? undefined : job.findRisk?.(schema)
      return risk ? [warnWith(inPlace(job.name, risk))] : []
    })
    if (live.unseen) return [...invalid, ...risks, live.unseen]
    if (invalid.length > 0 || isSameSchema(committed, live.sdl)) return [...invalid, ...risks]
    return [
      ...risks,
      warn(
        `the API has changed for role "${role}" since its SDL was committed`,
        'run "npm run -s cli -- schema pull" and commit the change',
      ),
    ]
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    return error.problems.map(problem => failWith(problem, `run "npm run -s cli -- schema pull --role ${role}"`))
  }
}

async function introspect(
  hasura: HasuraClient,
  signal: AbortSignal,
): Promise<{ readonly sdl: string; readonly unseen?: never } | { readonly sdl?: never; readonly unseen: Finding }> {
  const { role } = hasura
  try {
    const { sdl } = await introspectSchema(hasura, signal)
    return { sdl }
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    const off = error instanceof PermanentError && error.code === 'introspection'
    if (!off) {
      const hint = (error instanceof PermanentError && error.remedy) || 'run doctor again'
      return { unseen: warn(`role "${role}" could not be introspected (${error.code})`, hint) }
    }
    return {
      unseen: warn(
        `introspection is switched off for role "${role}", so its operations were checked against the committed SDL`,
        `remove "${role}" from disabled_for_roles in Hasura's metadata (graphql_schema_introspection), or maintain graphql/schema/${schemaFileName(role)} yourself`,
      ),
    }
  }
}
