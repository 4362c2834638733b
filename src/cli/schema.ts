import { print } from 'graphql'
import { writeFiles } from '../add/write-files.ts'
import { schemaFolderOf } from '../config/project.ts'
import { findContractRefusal, findDocumentProblems, rolesOf } from '../definitions/contract.ts'
import { listDocuments, type SentDocument } from '../definitions/list-documents.ts'
import { ConfigError, UsageError } from '../errors.ts'
import { introspectionDocument } from '../hasura/introspect-schema.ts'
import { schemaFileName } from '../hasura/role-name.ts'
import { isSameSchema, loadRoleSchema, readSchema } from '../hasura/role-schema.ts'
import { type CommandContext, defineCommand } from './command.ts'
import { flag, jsonOutput, textOption, textsOption } from './options.ts'
import { introspectAs, openHasuraAccess } from './role-access.ts'
import { tellLeftOut } from './tell-left-out.ts'

const someAccount = textOption('NAME', 'account to query the API with; default: the first one')

export const schemaPull = defineCommand({
  name: 'schema pull',
  summary: 'refresh graphql/schema/<role>.graphql from the live API',
  arguments: {},
  options: {
    role: textsOption('ROLE', 'role; repeatable; default: the roles of the jobs'),
    account: someAccount,
  },
  run: ({ role, account }, context) => pull(context, role, account),
})

export const schemaCheck = defineCommand({
  name: 'schema check',
  summary: "check every operation against the SDL and the live API, as its job's role",
  arguments: {},
  options: { account: someAccount },
  run: ({ account }, context) => check(context, account),
})

export const schemaOperations = defineCommand({
  name: 'schema operations',
  summary: 'print every operation that the jobs send, for an API with an allow list',
  arguments: {},
  options: {
    introspection: flag(
      'print the query that schema pull, schema check, add and doctor send instead; needs no schema yet',
    ),
    json: jsonOutput,
  },
  async run({ introspection, json }, context) {
    const operations = introspection ? [introspectionOperation] : await listSent(context)
    context.terminal.out(
      json
        ? `${JSON.stringify(operations, null, 2)}\n`
        : operations.map(({ query, senders }) => `# ${senders.join(', ')}\n${query}\n`).join('\n'),
    )
    return 0
  },
})

const introspectionOperation: SentDocument = {
  name: 'IntrospectionQuery',
  query: print(introspectionDocument),
  senders: ['schema pull', 'schema check', 'add', 'doctor'],
}

async function listSent(context: CommandContext): Promise<readonly SentDocument[]> {
  const { jobs, firstLogin } = await context.loadDefinitions()
  return listDocuments(jobs, firstLogin, schemaFolderOf(context.host.project))
}

async function pull(context: CommandContext, asked: readonly string[], account: string | undefined): Promise<number> {
  // Before code is generated no job can be loaded to learn its role, so --role is required.
  const roles = asked.length > 0 ? asked : rolesOf((await context.loadDefinitions()).jobs)
  if (roles.length === 0) {
    throw new UsageError({ found: 'No job runs as a role of Hasura, so no schema was pulled', remedy: 'give --role' })
  }
  const hasura = openHasuraAccess(context, account)
  for (const name of roles) {
    const { sdl, leftOut } = await introspectAs(hasura, name, context.signal)
    const path = `graphql/schema/${schemaFileName(name)}`
    await writeFiles(context.host.project.folder, [{ path, content: sdl }])
    context.terminal.out(`${path} holds the schema that role "${name}" sees now.\n${tellLeftOut(leftOut)}`)
  }
  return 0
}

async function check(context: CommandContext, account: string | undefined): Promise<number> {
  const { jobs } = await context.loadDefinitions()
  const schemaFolder = schemaFolderOf(context.host.project)
  const refusals = await Promise.all(jobs.map(job => findContractRefusal(job, schemaFolder)))
  const problems = refusals.flatMap(refusal => refusal ?? [])
  if (problems.length > 0) throw new ConfigError(problems)
  const hasura = openHasuraAccess(context, account)
  let failed = 0
  for (const role of rolesOf(jobs)) {
    const committed = await loadRoleSchema(schemaFolder, role)
    const { sdl } = await introspectAs(hasura, role, context.signal)
    const problems = findDocumentProblems(jobs, readSchema(role, sdl))
    failed += problems.length
    for (const problem of problems) context.terminal.err(`${problem}\n`)
    if (!isSameSchema(committed, sdl)) {
      context.terminal.err(
        `The API has changed for role "${role}". Run "npm run -s cli -- schema pull --role ${role}" and see the diff.\n`,
      )
    }
    if (problems.length === 0) context.terminal.out(`Role "${role}": every operation is valid on the live API.\n`)
  }
  return failed > 0 ? 1 : 0
}
