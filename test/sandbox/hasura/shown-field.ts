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

/** How a root field reads a table. */
export interface ShownField {
  readonly field: Field
  readonly kind: Extract<RootField['kind'], 'select' | 'selectByKey' | 'selectAggregate'>
  readonly row: GraphQLObjectType
}

/** Recognizes a root field by its shape, because it, its types and its arguments can have any names. */
export function readShownField(field: Field): ShownField | undefined {
  const type = objectOf(field.type)
  if (!type) return undefined
  if (isListType(getNullableType(field.type))) {
    return field.args.some(({ name }) => name === 'where') ? { field, kind: 'select', row: type } : undefined
  }
  const { aggregate, nodes, ...columns } = type.getFields()
  const row = nodes && objectOf(nodes.type)
  if (aggregate && row) return { field, kind: 'selectAggregate', row }
  const isByKey = field.args.length > 0 && field.args.every(arg => isNonNullType(arg.type) && columns[arg.name])
  return isByKey ? { field, kind: 'selectByKey', row: type } : undefined
}

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
