import { mkdir, writeFile } from 'node:fs/promises'
import { UsageError } from '../errors.ts'
import { loadRoleSchema, readSchema, schemaFolder } from '../hasura/role-schema.ts'
import type { JobDefinition } from '../jobs/define-job.ts'
import { checkJobs } from '../runs/check-jobs.ts'
import { findOperationProblems, roleOf } from '../runs/operation-problems.ts'
import type { Command, CommandContext } from './command.ts'
import { introspectAs, openHasuraAccess } from './role-access.ts'

export const schema: Command = {
  usage: 'schema pull [--role R]… [--account A] | schema check [--account A]',
  summary: 'refreshes the SDL of each role; checks every operation against the SDL and the live API',
  words: [1, 1],
  options: { role: { type: 'string', multiple: true }, account: { type: 'string' } },
  async run(context) {
    const [what] = context.words
    if (what === 'pull') return pull(context)
    if (what === 'check') return check(context)
    throw new UsageError(`"schema ${what}" is not known: give "schema pull" or "schema check".`)
  },
}

async function pull(context: CommandContext): Promise<number> {
  const { role } = context.options
  const asked = Array.isArray(role) ? role.map(String) : []
  // Without any generated code there are no jobs to ask for their roles: then they must be named.
  const roles = asked.length > 0 ? asked : rolesOf((await context.loadDefinitions()).jobs)
  await mkdir(schemaFolder, { recursive: true })
  const hasura = openHasuraAccess(context)
  for (const name of roles) {
    const sdl = await introspectAs(hasura, name, context.signal)
    await writeFile(new URL(`${name}.graphql`, schemaFolder), sdl)
    context.terminal.out(`graphql/schema/${name}.graphql is what role "${name}" sees now.\n`)
  }
  return 0
}

async function check(context: CommandContext): Promise<number> {
  const { jobs } = await context.loadDefinitions()
  await checkJobs(jobs)
  const hasura = openHasuraAccess(context)
  let failed = 0
  for (const role of rolesOf(jobs)) {
    const committed = await loadRoleSchema(schemaFolder, role)
    const sdl = await introspectAs(hasura, role, context.signal)
    const problems = findOperationProblems(jobs, readSchema(role, sdl))
    failed += problems.length
    for (const problem of problems) context.terminal.err(`${problem}\n`)
    if (committed.sdl !== sdl) {
      context.terminal.err(
        `The API has changed for role "${role}": "schema pull --role ${role}" and a diff show how.\n`,
      )
    }
    if (problems.length === 0) context.terminal.out(`Role "${role}": every operation is valid on the live API.\n`)
  }
  return failed > 0 ? 1 : 0
}

function rolesOf(jobs: readonly JobDefinition[]): string[] {
  return [...new Set(jobs.flatMap(job => roleOf(job) ?? []))]
}
