import { readFile } from 'node:fs/promises'
import {
  type ASTNode,
  assertValidSchema,
  buildSchema,
  type DocumentNode,
  FieldsOnCorrectTypeRule,
  type GraphQLSchema,
  Kind,
  type OperationDefinitionNode,
  SingleFieldSubscriptionsRule,
  specifiedRules,
  validate,
  visit,
} from 'graphql'
import { ConfigError, messageOf } from '../errors.ts'
import { explainFileFailure } from '../failures/file-failure.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import { variablesIn } from './document-root.ts'
import { schemaFileName, schemaFileUrl } from './role-name.ts'
import { printSdl } from './spell-schema.ts'

/** The committed SDL of the schema that one role sees. */
export interface RoleSchema {
  readonly role: string
  readonly sdl: string
  readonly schema: GraphQLSchema
}

/** @throws ConfigError that names the command to pull it, when the role's SDL is missing */
export async function loadRoleSchema(folder: URL, role: string): Promise<RoleSchema> {
  let sdl: string
  try {
    // Git may have checked it out with the line ends of Windows, which are no change of the API.
    sdl = (await readFile(schemaFileUrl(folder, role), 'utf8')).replaceAll('\r\n', '\n')
  } catch (error) {
    const path = `graphql/schema/${schemaFileName(role)}`
    const failure = explainFileFailure(`The schema of role "${role}" in ${path} can't be read`, error)
    if (failure && failure.code !== 'ENOENT') throw new ConfigError([failure])
    throw new ConfigError([
      {
        found: `The schema of role "${role}" is not in ${path}`,
        remedy: `run "npm run -s cli -- schema pull --role ${role}" and commit the file; if it is committed, ship graphql/ with the jobs, such as in the image`,
      },
    ])
  }
  return readSchema(role, sdl)
}

/**
 * Builds a role's schema once: all jobs of the role share it, and building takes long for an API with many tables.
 *
 * @throws ConfigError when the schema is invalid, because it was written by hand or pulled by an earlier version
 */
export function readSchema(role: string, sdl: string): RoleSchema {
  const latest = latestOf.get(role)
  if (latest?.sdl === sdl) return latest
  const built = { role, sdl, schema: build(role, sdl) }
  latestOf.set(role, built)
  return built
}

/** @param live as a pull would write it. The committed one may have been formatted since, which is no change of the API */
export function isSameSchema({ sdl, schema }: RoleSchema, live: string): boolean {
  return sdl === live || printSdl(schema) === live
}

function build(role: string, sdl: string): GraphQLSchema {
  try {
    const schema = buildSchema(sdl)
    assertValidSchema(schema)
    return schema
  } catch (error) {
    const [said = ''] = messageOf(error).split('\n')
    throw new ConfigError([
      {
        found: `The schema of role "${role}" in graphql/schema/${schemaFileName(role)} is not valid (${quoteForeign(said)})`,
        remedy: `run "npm run -s cli -- schema pull --role ${role}" and commit the file`,
      },
    ])
  }
}

const latestOf = new Map<string, RoleSchema>()

/** Validates a document against the role's schema. @returns GraphQL's messages; empty when it is valid */
export function checkOperation(document: DocumentNode, { schema }: RoleSchema): readonly string[] {
  const operations = document.definitions.filter(definition => definition.kind === Kind.OPERATION_DEFINITION)
  // `validate` says nothing about these.
  const impossible = operations.filter(({ operation }) => !schema.getRootType(operation))
  const errors = validate(schema, document, rules)
  const missing = validate(schema, document, [FieldsOnCorrectTypeRule]).flatMap(({ nodes = [] }) => nodes)
  const implied = typesOf(operations, [...impossible, ...missing])
  const told = errors.filter(({ nodes = [] }) => !nodes.some(node => implied.has(node)))
  return [...impossible.map(({ operation }) => `The schema has no ${operation}s`), ...told.map(error => error.message)]
}

/** It throws where a directive has a variable, and nothing sends the subscriptions of a document. */
const rules = specifiedRules.filter(rule => rule !== SingleFieldSubscriptionsRule)

/** What variables of missing fields are declared as: without a table, the types of its filter and its order are missing too. */
function typesOf(operations: readonly OperationDefinitionNode[], missing: readonly ASTNode[]): ReadonlySet<ASTNode> {
  const variables = variablesIn(missing)
  const types = new Set<ASTNode>()
  for (const { variable, type } of operations.flatMap(({ variableDefinitions = [] }) => variableDefinitions)) {
    if (variables.has(variable.name.value)) visit(type, { NamedType: node => void types.add(node) })
  }
  return types
}
