import {
  type DocumentNode,
  type GraphQLObjectType,
  type GraphQLType,
  getNamedType,
  getNullableType,
  isCompositeType,
  isListType,
  isNonNullType,
  isObjectType,
  isScalarType,
  Kind,
  print,
  type SelectionNode,
} from 'graphql'
import { ConfigError } from '../errors.ts'
import { findDocumentRoot } from './document-root.ts'
import { findList, type SelectedList } from './find-list.ts'
import { readNaming } from './read-naming.ts'
import type { RoleSchema } from './role-schema.ts'
import { columnTypeOf, comparedAs, type NamingConvention } from './scalars.ts'

export interface SelectedColumn {
  readonly name: string
  /** The API's name; differs when the document gives it an alias. */
  readonly field: string
  /** The document's selection, with its arguments and nested fields. */
  readonly selected: string
  /** The Postgres type of the mirror's column. */
  readonly type: string
  /** The Postgres type by which its values are compared, if different. */
  readonly comparedAs?: string
  readonly nullable: boolean
  /** The GraphQL scalar; absent for a nested selection, which is stored as JSON. */
  readonly scalar?: string
  /** Path in the row of a flattened object's column. */
  readonly path?: readonly [string, string, ...string[]]
}

/** The list that a pull reads, and the columns that it selects. */
export interface Selection {
  readonly list: SelectedList
  readonly naming: NamingConvention
  readonly columns: readonly SelectedColumn[]
}

/**
 * @param flattened nested objects of the row whose fields become columns named `<object>_<field>`
 * @throws ConfigError when the document doesn't select exactly one list of objects
 */
export function readSelection(
  document: DocumentNode,
  { role, schema }: RoleSchema,
  flattened: ReadonlySet<string> = new Set(),
): Selection {
  const name = findDocumentRoot(document)?.name?.value ?? 'the operation'
  const list = findList(document, schema)
  if (!list) {
    throw new ConfigError([
      {
        found: `${name} must select one list of rows and nothing else, so that a pull can page through it`,
        remedy: 'remove its other fields, and read aggregates and single rows in another job',
      },
    ])
  }
  const naming = readNaming(list.field)
  const context = { operation: name, role, flattened, naming }
  const columns = (list.node.selectionSet?.selections ?? []).flatMap(selected =>
    readColumns(context, list.row, selected, []),
  )
  const names = columns.map(column => column.name)
  const twice = names.find((each, index) => names.indexOf(each) !== index)
  if (twice !== undefined) {
    throw new ConfigError([
      { found: `${name}: two columns would be called "${twice}"`, remedy: 'give one an alias in the document' },
    ])
  }
  return { list, naming, columns }
}

interface Context {
  readonly operation: string
  readonly role: string
  readonly flattened: ReadonlySet<string>
  readonly naming: NamingConvention
}

function readColumns(
  context: Context,
  row: GraphQLObjectType,
  selected: SelectionNode,
  parents: readonly string[],
): readonly SelectedColumn[] {
  const { operation, role, flattened, naming } = context
  if (selected.kind !== Kind.FIELD) {
    throw new ConfigError([{ found: `${operation}: fragments can't be mirrored`, remedy: 'list the fields' }])
  }
  if (selected.name.value === '__typename') {
    throw new ConfigError([{ found: `${operation}: "__typename" is not a column`, remedy: 'remove it' }])
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
  return [{ ...describeColumn(path, field.type, naming), field: selected.name.value, selected: print(selected) }]
}

function describeColumn(
  path: readonly string[],
  type: GraphQLType,
  naming: NamingConvention,
): Omit<SelectedColumn, 'field' | 'selected'> {
  const [head = '', second, ...deeper] = path
  const where =
    second === undefined ? { name: head } : { name: path.join('_'), path: [head, second, ...deeper] as const }
  const nullable = !isNonNullType(type) || second !== undefined
  const named = getNamedType(type)
  if (isListType(getNullableType(type)) || isCompositeType(named)) return { ...where, type: 'jsonb', nullable }
  const column = columnTypeOf(named.name, naming)
  const compared = comparedAs(named.name, naming)
  return {
    ...where,
    type: column,
    nullable,
    ...(compared !== column && { comparedAs: compared }),
    ...(isScalarType(named) && { scalar: named.name }),
  }
}
