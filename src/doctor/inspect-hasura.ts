import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import { ConfigError, WorkerError } from '../errors.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import { introspectSchema } from '../hasura/introspect-schema.ts'
import { checkOperation, loadRoleSchema, readSchema, schemaFolder } from '../hasura/role-schema.ts'
import type { JobDefinition } from '../jobs/define-job.ts'
import { type Finding, fail, failWith, ok, skip, warn } from './check.ts'

export interface Endpoint {
  readonly url: string
  readonly access: AccountAccess
  readonly signal: AbortSignal
}

/** Asks for nothing but the name of the query type, which every role may see. */
const anything: TypedDocumentNode<{ __typename: string }, Record<string, never>> = parse('query Doctor { __typename }')

export async function inspectHasura({ url, access, signal }: Endpoint, role: string): Promise<Finding> {
  try {
    const { __typename } = await access.hasura(url, role).query(anything, {}, { signal })
    if (__typename === 'query_root') return ok(`${url} answers role "${role}"`)
    return warn(`${url} answers, but its query type is ${__typename}, which is not Hasura's`, 'check HASURA_URL')
  } catch (error) {
    return explain(error, "check HASURA_URL, and the issuer and audience of Hasura's JWT configuration")
  }
}

/** Whether each job's operations are valid for its role, on the committed SDL and on what the API shows now. */
export async function inspectContract(
  endpoint: Endpoint,
  jobs: readonly JobDefinition[],
  allowedRoles: readonly string[],
): Promise<Finding> {
  const roles = new Set(
    jobs.flatMap(({ requirement }) => (requirement && 'role' in requirement ? requirement.role : [])),
  )
  const problems: string[] = []
  const unseen: string[] = []
  for (const role of [...roles].filter(name => allowedRoles.includes(name))) {
    const operations = jobs
      .filter(({ requirement }) => requirement && 'role' in requirement && requirement.role === role)
      .flatMap(job => job.operations ?? [])
    try {
      const committed = await loadRoleSchema(schemaFolder, role)
      const sdl = await introspectSchema(endpoint.access.hasura(endpoint.url, role), endpoint.signal)
      problems.push(...operations.flatMap(operation => checkOperation(operation, readSchema(role, sdl))))
      if (sdl !== committed.sdl) unseen.push(`the API has changed for role "${role}" since its SDL was committed`)
    } catch (error) {
      if (error instanceof ConfigError) problems.push(...error.problems)
      else
        unseen.push(
          `role "${role}" can't be introspected (${error instanceof WorkerError ? error.code : 'unexpected'})`,
        )
    }
  }
  if (problems.length > 0) {
    return fail(
      problems.join('; '),
      'run "schema pull" and "npm run codegen", or give the role what the operations need',
    )
  }
  if (unseen.length > 0) {
    return warn(
      unseen.join('; '),
      'run "schema pull" to refresh the SDL; where introspection is off for a role, keep it by hand',
    )
  }
  return roles.size > 0 ? ok('every operation is valid on the live API') : skip('no job sends an operation')
}

/** Nothing is called here: the first run does that. */
export function inspectFirstLogin(state: string | undefined): Finding {
  if (state === 'visible') return ok('the user is visible in the application')
  if (state === undefined || state === 'pending') {
    return warn(
      'the account has not logged in for a job yet',
      'run "bootstrap": it calls refresh_users and waits for the user',
    )
  }
  return warn(`the first login has come to "${state}"`, 'the next run goes on with it; "holds" shows what keeps it')
}

function explain(error: unknown, hint: string): Finding {
  if (!(error instanceof WorkerError)) throw error
  return failWith(error.message, hint)
}
