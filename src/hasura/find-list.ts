import {
  type DocumentNode,
  type FieldNode,
  type GraphQLField,
  type GraphQLFieldMap,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isListType,
  isObjectType,
  Kind,
} from 'graphql'
import { findDocumentRoot } from './document-root.ts'

/** The list that a document selects. */
export interface SelectedList {
  readonly node: FieldNode
  readonly field: GraphQLField<unknown, unknown>
  readonly row: GraphQLObjectType
  /** The fields on its level: those of the query's root, or of the list's namespace. */
  readonly siblings: GraphQLFieldMap<unknown, unknown>
  /** Its place in `data`: `users`, or `north.users` when the source has a root namespace. */
  readonly place: string
}

/**
 * Finds the only list that a document selects. Hasura's source customization may put a source's root fields into a namespace:
 * `query { north { users { id } } }`.
 */
export function findList(document: DocumentNode, schema: GraphQLSchema): SelectedList | undefined {
  let siblings = schema.getQueryType()?.getFields() ?? {}
  const place: string[] = []
  for (const node of findPath(document) ?? []) {
    const field = siblings[node.name.value]
    if (!field) return undefined
    place.push(node.alias?.value ?? node.name.value)
    const row = findRow(field)
    if (row) return { node, field, row, siblings, place: place.join('.') }
    const type = getNullableType(field.type)
    if (!isObjectType(type)) return undefined
    siblings = type.getFields()
  }
  return undefined
}

/** The type of a list's rows; undefined unless it is a list of objects. */
export function findRow({ type }: Pick<GraphQLField<unknown, unknown>, 'type'>): GraphQLObjectType | undefined {
  const row = getNamedType(type)
  return isListType(getNullableType(type)) && isObjectType(row) ? row : undefined
}

/** The API's names of columns of the list, which the document may give others. */
export function fieldNamesOf(document: DocumentNode, columns: readonly string[]): readonly string[] {
  const selected = findPath(document)?.at(-1)?.selectionSet?.selections ?? []
  const fieldOf = new Map(
    selected.flatMap(field =>
      field.kind === Kind.FIELD && field.alias ? [[field.alias.value, field.name.value]] : [],
    ),
  )
  return columns.map(column => fieldOf.get(column) ?? column)
}

/** The names that each row of the list must have. A field with a directive may be left out. */
export function namesOfRow(document: DocumentNode): readonly string[] {
  const selected = findPath(document)?.at(-1)?.selectionSet?.selections ?? []
  return selected.flatMap(field =>
    field.kind === Kind.FIELD && (field.directives ?? []).length === 0 ? [field.alias?.value ?? field.name.value] : [],
  )
}

/** The path from the root to the list, without a schema: a namespace has no arguments and selects nothing else. */
export function findPath(document: DocumentNode): readonly FieldNode[] | undefined {
  const path: FieldNode[] = []
  let selections = findDocumentRoot(document)?.selectionSet.selections ?? []
  for (;;) {
    const [node, ...others] = selections
    if (node?.kind !== Kind.FIELD || others.length > 0) return path.length > 0 ? path : undefined
    if (path.length > 0 && !node.selectionSet) return path
    path.push(node)
    if (node.arguments && node.arguments.length > 0) return path
    selections = node.selectionSet?.selections ?? []
  }
}
