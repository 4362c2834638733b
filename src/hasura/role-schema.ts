import { readFile } from 'node:fs/promises'
import {
  buildSchema,
  type DocumentNode,
  type GraphQLObjectType,
  type GraphQLSchema,
  type GraphQLType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  Kind,
  print,
  type SelectionNode,
  validate,
} from 'graphql'
import { ConfigError } from '../errors.ts'
import { findOperation } from './find-operation.ts'
import { schemaFileName, schemaFileUrl } from './role-name.ts'
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
  const file = schemaFileUrl(folder, role)
  let sdl: string
  try {
    sdl = await readFile(file, 'utf8')
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

/** Every job of a role needs the same one, and to build it takes the longer the more tables the API has. */
export function readSchema(role: string, sdl: string): RoleSchema {
  const latest = latestOf.get(role)
  if (latest?.sdl === sdl) return latest
  const built = { role, sdl, schema: buildSchema(sdl) }
  latestOf.set(role, built)
  return built
}

const latestOf = new Map<string, RoleSchema>()

/** What the role's schema has against an operation, in GraphQL's words; empty when it may be sent. */
export function checkOperation(operation: DocumentNode, { schema }: RoleSchema): readonly string[] {
  return validate(schema, operation).map(error => error.message)
}

export interface SelectedColumn {
  readonly name: string
  /** What the API calls it; differs where the document gives it an alias. */
  readonly field: string
  /** As the document selects it, with its arguments and what is nested in it. */
  readonly selected: string
  /** The Postgres type in which it is mirrored. */
  readonly type: string
  readonly nullable: boolean
  /** The GraphQL scalar; absent for a nested selection, which is kept as JSON. */
  readonly scalar?: string
  /** Where a column of a flattened object stands in the row. */
  readonly path?: readonly [string, string, ...string[]]
}

/** The one root field that a pull reads, and the columns that it selects of each row. */
export interface Selection {
  readonly rootField: string
  readonly columns: readonly SelectedColumn[]
}

/**
 * @param flattened nested objects of the row whose fields are columns of their own, named `<object>_<field>`
 * @throws ConfigError when the document doesn't select exactly one list of objects
 */
export function readSelection(
  document: DocumentNode,
  { role, schema }: RoleSchema,
  flattened: ReadonlySet<string> = new Set(),
): Selection {
  const operation = findOperation(document)
  const [root, ...others] = operation?.selectionSet.selections ?? []
  const name = operation?.name?.value ?? 'the operation'
  if (root?.kind !== Kind.FIELD || others.length > 0) throw notOneList(name)
  const row = getNamedType(schema.getQueryType()?.getFields()[root.name.value]?.type)
  if (!isObjectType(row)) throw notOneList(name)
  const columns = (root.selectionSet?.selections ?? []).flatMap(selected =>
    readColumns({ operation: name, role, flattened }, row, selected, []),
  )
  const names = columns.map(column => column.name)
  const twice = names.find((each, index) => names.indexOf(each) !== index)
  if (twice !== undefined) {
    throw new ConfigError([
      { found: `${name}: two columns would be called "${twice}"`, remedy: 'give one an alias in the document' },
    ])
  }
  return { rootField: root.alias?.value ?? root.name.value, columns }
}

/** What the API calls the directions of an order where it isn't the default: `graphql-default` writes them in capitals. */
export function readDirections(
  document: DocumentNode,
  { schema }: RoleSchema,
): Record<'ascending' | 'descending' | 'descendingNullsLast', string> | undefined {
  const operation = findOperation(document)
  const root = operation?.selectionSet.selections[0]
  const field = root?.kind === Kind.FIELD ? schema.getQueryType()?.getFields()[root.name.value] : undefined
  const enums = (field?.args ?? []).flatMap(argument => {
    const input = getNamedType(argument.type)
    return isInputObjectType(input) ? Object.values(input.getFields()).map(each => getNamedType(each.type)) : []
  })
  const isInCapitals = enums.some(type => isEnumType(type) && type.getValue('ASC') && !type.getValue('asc'))
  return isInCapitals ? { ascending: 'ASC', descending: 'DESC', descendingNullsLast: 'DESC_NULLS_LAST' } : undefined
}

function readColumns(
  context: { readonly operation: string; readonly role: string; readonly flattened: ReadonlySet<string> },
  row: GraphQLObjectType,
  selected: SelectionNode,
  parents: readonly string[],
): readonly SelectedColumn[] {
  const { operation, role, flattened } = context
  if (selected.kind !== Kind.FIELD) {
    throw new ConfigError([{ found: `${operation}: fragments can't be mirrored`, remedy: 'name the fields' }])
  }
  const field = row.getFields()[selected.name.value]
  if (!field) {
    throw new ConfigError([`${operation}: role "${role}" does not see field "${selected.name.value}" of ${row.name}`])
  }
  const path = [...parents, selected.alias?.value ?? selected.name.value]
  const nested = isNonNullType(field.type) ? field.type.ofType : field.type
  if (isObjectType(nested) && flattened.has(path[0] ?? '')) {
    return (selected.selectionSet?.selections ?? []).flatMap(inner => readColumns(context, nested, inner, path))
  }
  return [{ ...describeColumn(path, field.type), field: selected.name.value, selected: print(selected) }]
}

function describeColumn(path: readonly string[], type: GraphQLType): Omit<SelectedColumn, 'field' | 'selected'> {
  const [head = '', second, ...deeper] = path
  const where =
    second === undefined ? { name: head } : { name: path.join('_'), path: [head, second, ...deeper] as const }
  const nullable = !isNonNullType(type) || second !== undefined
  const inner = isNonNullType(type) ? type.ofType : type
  if (isListType(inner)) return { ...where, type: 'jsonb', nullable }
  const named = getNamedType(inner)
  if (isObjectType(named)) return { ...where, type: 'jsonb', nullable }
  return { ...where, type: columnTypeOf(named.name), nullable, ...(isScalarType(named) && { scalar: named.name }) }
}

function notOneList(name: string): ConfigError {
  return new ConfigError([
    `${name} must select one list of rows and nothing else, so that it can be pulled page by page`,
  ])
}
