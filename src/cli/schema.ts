import { mkdir, writeFile } from 'node:fs/promises'
import { UsageError } from '../errors.ts'
import { createAccountAccess } from '../gate/account-access.ts'
import { requireGranted } from '../gate/session.ts'
import { introspectSchema } from '../hasura/introspect-schema.ts'
import { checkOperation, loadRoleSchema, type RoleSchema, readSchema, schemaFolder } from '../hasura/role-schema.ts'
import type { JobDefinition } from '../jobs/define-job.ts'
import { checkJobs } from '../runs/check-jobs.ts'
import { type Command, type CommandContext, textOption } from './command.ts'

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
  for (const name of roles) {
    const sdl = await introspectAs(context, name)
    await writeFile(new URL(`${name}.graphql`, schemaFolder), sdl)
    context.terminal.out(`graphql/schema/${name}.graphql is what role "${name}" sees now.\n`)
  }
  return 0
}

async function check(context: CommandContext): Promise<number> {
  const { jobs } = await context.loadDefinitions()
  await checkJobs(jobs)
  let failed = 0
  for (const role of rolesOf(jobs)) {
    const committed = await loadRoleSchema(schemaFolder, role)
    const sdl = await introspectAs(context, role)
    const problems = findProblems(jobs, readSchema(role, sdl))
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

function findProblems(jobs: readonly JobDefinition[], live: RoleSchema): string[] {
  return jobs
    .filter(job => roleOf(job) === live.role)
    .flatMap(job =>
      (job.operations ?? []).flatMap(operation => checkOperation(operation, live)).map(said => `${job.name}: ${said}`),
    )
}

async function introspectAs(context: CommandContext, role: string): Promise<string> {
  const { config, host, signal } = context
  const name = textOption(context, 'account')
  const account = name === undefined ? config.accounts[0] : config.accounts.find(candidate => candidate.name === name)
  if (!account) throw new UsageError(`There is no account "${name}".`)
  if (!account.hasura) throw new UsageError(`Account "${account.name}" has no Hasura endpoint: set HASURA_URL.`)
  const access = createAccountAccess(account, host)
  await requireGranted(access, { role }, signal)
  return introspectSchema(access.hasura(account.hasura.url, role), signal)
}

function rolesOf(jobs: readonly JobDefinition[]): string[] {
  return [...new Set(jobs.flatMap(job => roleOf(job) ?? []))]
}

function roleOf(job: JobDefinition): string | undefined {
  return job.requirement && 'role' in job.requirement ? job.requirement.role : undefined
}
