import {
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLOutputType,
  getNamedType,
  getNullableType,
  isListType,
  isNonNullType,
  isObjectType,
} from 'graphql'
import type { RootField } from './root-field.ts'

type Field = GraphQLField<unknown, unknown>
type TableKind = Exclude<RootField['kind'], 'function' | 'functionAggregate'>

/** What a root field does with a table. */
export interface ShownField {
  readonly field: Field
  readonly kind: TableKind
  /** The type of the table's rows. */
  readonly row: GraphQLObjectType
}

/** Recognizes a field of a query or a subscription by its shape, because it, its types and its arguments can have any names. */
export function readShownQuery(field: Field): ShownField | undefined {
  const type = objectOf(field.type)
  if (!type) return undefined
  if (isListType(getNullableType(field.type))) {
    return takes(field, 'where') ? { field, kind: 'select', row: type } : undefined
  }
  const { aggregate, nodes } = type.getFields()
  const row = nodes && objectOf(nodes.type)
  if (aggregate && row) return { field, kind: 'selectAggregate', row }
  return isByKey(field, type) ? { field, kind: 'selectByKey', row: type } : undefined
}

/** The same for a field of a mutation; undefined for a function, and where the role can't select the rows. */
export function readShownMutation(field: Field): ShownField | undefined {
  const type = objectOf(field.type)
  if (!type) return undefined
  const { returning } = type.getFields()
  const row = returning && objectOf(returning.type)
  const kind = row ? kindOfMany(field) : kindOfOne(field, type)
  return kind && { field, kind, row: row ?? type }
}

function kindOfMany(field: Field): TableKind | undefined {
  if (takes(field, 'objects')) return 'insert'
  if (takes(field, 'updates')) return 'updateMany'
  if (!takes(field, 'where')) return undefined
  return field.args.length > 1 ? 'update' : 'delete'
}

function kindOfOne(field: Field, row: GraphQLObjectType): TableKind | undefined {
  if (takes(field, 'object')) return 'insertOne'
  if (takes(field, 'pk_columns') || takes(field, 'pkColumns')) return 'updateByKey'
  return isByKey(field, row) ? 'deleteByKey' : undefined
}

function isByKey({ args }: Field, row: GraphQLObjectType): boolean {
  return args.length > 0 && args.every(argument => isNonNullType(argument.type) && row.getFields()[argument.name])
}

const takes = ({ args }: Field, argument: string) => args.some(({ name }) => name === argument)

/** The namespace of a source's root fields, which has no columns as a row has: `query { north { users { id } } }`. */
export function namespaceOf({ args, type }: Pick<Field, 'args' | 'type'>): GraphQLObjectType | undefined {
  const inner = getNullableType(type)
  if (args.length > 0 || !isObjectType(inner)) return undefined
  return Object.values(inner.getFields()).every(field => objectOf(field.type)) ? inner : undefined
}

function objectOf(type: GraphQLOutputType): GraphQLObjectType | undefined {
  const named = getNamedType(type)
  return isObjectType(named) ? named : undefined
}
