import { readFile } from 'node:fs/promises'
import {
  buildSchema,
  type DocumentNode,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  Kind,
  validate,
} from 'graphql'
import { ConfigError } from '../errors.ts'
import { columnTypeOf } from './scalars.ts'

/** Where the SDL of each role is committed. */
export const schemaFolder = new URL('../../graphql/schema/', import.meta.url)

/** The committed SDL of what one role sees of the API. */
export interface RoleSchema {
  readonly role: string
  readonly sdl: string
  readonly schema: GraphQLSchema
}

/** @throws ConfigError naming the command that fetches it, when the role's SDL isn't there */
export async function loadRoleSchema(folder: URL, role: string): Promise<RoleSchema> {
  const file = new URL(`${role}.graphql`, folder)
  let sdl: string
  try {
    sdl = await readFile(file, 'utf8')
  } catch {
    throw new ConfigError([
      `The schema of role "${role}" is not in graphql/schema/${role}.graphql: run "schema pull --role ${role}" and commit it.`,
    ])
  }
  return readSchema(role, sdl)
}

export function readSchema(role: string, sdl: string): RoleSchema {
  return { role, sdl, schema: buildSchema(sdl) }
}

/** What the role's schema has against an operation, in GraphQL's words; empty when it may be sent. */
export function checkOperation(operation: DocumentNode, { schema }: RoleSchema): readonly string[] {
  return validate(schema, operation).map(error => error.message)
}

export interface SelectedColumn {
  readonly name: string
  /** The Postgres type in which it is mirrored. */
  readonly type: string
  readonly nullable: boolean
  /** The GraphQL scalar; absent for a nested selection, which is kept as JSON. */
  readonly scalar?: string
}

/** The one root field that a pull reads, and the columns that it selects of each row. */
export interface Selection {
  readonly rootField: string
  readonly columns: readonly SelectedColumn[]
}

/** @throws ConfigError when the document doesn't select exactly one list of objects */
export function readSelection(document: DocumentNode, { role, schema }: RoleSchema): Selection {
  const operation = document.definitions.find(definition => definition.kind === Kind.OPERATION_DEFINITION)
  const [root, ...others] = operation?.selectionSet.selections ?? []
  const name = operation?.name?.value ?? 'the operation'
  if (root?.kind !== Kind.FIELD || others.length > 0) throw notOneList(name)
  const row = getNamedType(schema.getQueryType()?.getFields()[root.name.value]?.type)
  if (!isObjectType(row)) throw notOneList(name)
  const fields = row.getFields()
  const columns = (root.selectionSet?.selections ?? []).map(selected => {
    if (selected.kind !== Kind.FIELD) throw new ConfigError([`${name}: fragments can't be mirrored, name the fields.`])
    const field = fields[selected.name.value]
    if (!field) {
      throw new ConfigError([`${name}: role "${role}" does not see field "${selected.name.value}" of ${row.name}.`])
    }
    return describeColumn(selected.alias?.value ?? selected.name.value, field.type)
  })
  return { rootField: root.alias?.value ?? root.name.value, columns }
}

function describeColumn(name: string, type: GraphQLType): SelectedColumn {
  const nullable = !isNonNullType(type)
  const inner = isNonNullType(type) ? type.ofType : type
  if (isListType(inner)) return { name, type: 'jsonb', nullable }
  const named = getNamedType(inner)
  if (isObjectType(named)) return { name, type: 'jsonb', nullable }
  return { name, type: columnTypeOf(named.name), nullable, ...(isScalarType(named) && { scalar: named.name }) }
}

function notOneList(name: string): ConfigError {
  return new ConfigError([
    `${name} must select one list of rows and nothing else, so that it can be pulled page by page.`,
  ])
}
