import { readFile } from 'node:fs/promises'
import { assertValidSchema, buildSchema, type DocumentNode, type GraphQLSchema, validate } from 'graphql'
import { ConfigError } from '../errors.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import { schemaFileName, schemaFileUrl } from './role-name.ts'

/** The committed SDL of what one role sees of the API. */
export interface RoleSchema {
  readonly role: string
  readonly sdl: string
  readonly schema: GraphQLSchema
}

/** @throws ConfigError naming the command that fetches it, when the role's SDL isn't there */
export async function loadRoleSchema(folder: URL, role: string): Promise<RoleSchema> {
  let sdl: string
  try {
    sdl = await readFile(schemaFileUrl(folder, role), 'utf8')
  } catch {
    throw new ConfigError([
      {
        found: `The schema of role "${role}" is not in graphql/schema/${schemaFileName(role)}`,
        remedy: `run "schema pull --role ${role}" and commit it`,
      },
    ])
  }
  return readSchema(role, sdl)
}

/**
 * Every job of a role needs the same one, and to build it takes the longer the more tables the API has.
 *
 * @throws ConfigError when it is no valid schema: one that was written by hand, or pulled by an earlier version
 */
export function readSchema(role: string, sdl: string): RoleSchema {
  const latest = latestOf.get(role)
  if (latest?.sdl === sdl) return latest
  const built = { role, sdl, schema: build(role, sdl) }
  latestOf.set(role, built)
  return built
}

function build(role: string, sdl: string): GraphQLSchema {
  try {
    const schema = buildSchema(sdl)
    assertValidSchema(schema)
    return schema
  } catch (error) {
    const [said = ''] = String(error instanceof Error ? error.message : error).split('\n')
    throw new ConfigError([
      {
        found: `The schema of role "${role}" in graphql/schema/${schemaFileName(role)} is not valid (${quoteForeign(said)})`,
        remedy: `run "schema pull --role ${role}" and commit it`,
      },
    ])
  }
}

const latestOf = new Map<string, RoleSchema>()

/** What the role's schema has against an operation, in GraphQL's words; empty when it may be sent. */
export function checkOperation(operation: DocumentNode, { schema }: RoleSchema): readonly string[] {
  return validate(schema, operation).map(error => error.message)
}
