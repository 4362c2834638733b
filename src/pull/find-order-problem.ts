import {
  type GraphQLArgument,
  type GraphQLInputObjectType,
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
} from 'graphql'
import type { SelectedList } from '../hasura/find-list.ts'
import { readNaming } from '../hasura/read-naming.ts'
import { comparedAs, isComparedFromEnd, isOrdered } from '../hasura/scalars.ts'
import { findCursorKind } from './cursor-bound.ts'

/**
 * Why rows can't be read in the order of a column; undefined if they can. Used by `add`, `doctor` and the run: a page starts
 * after the end of the previous one, which takes `_gt`, and Hasura has none for an enum table.
 *
 * @param column as the API calls it
 * @param use a cursor must also grow with every change
 */
export function findOrderProblem(
  { field, row }: Pick<SelectedList, 'field' | 'row'>,
  column: string,
  use: 'key' | 'cursor',
): string | undefined {
  const type = row.getFields()[column]?.type
  if (!type) return `it is not a column of ${row.name}`
  const scalar = getNamedType(type)
  const naming = readNaming(field)
  if (isListType(getNullableType(type)) || !isLeafType(scalar) || !isOrdered(scalar.name, naming)) {
    return `its type, ${type}, has no order`
  }
  if (use === 'cursor' && !findCursorKind(comparedAs(scalar.name, naming))) {
    return `its type, ${type}, can't grow with every change`
  }
  if (use === 'cursor' && isComparedFromEnd(scalar.name, naming)) {
    return `SQL Server orders its type, ${type}, by the last bytes first, which don't grow with every change`
  }
  const filter = findInput(field.args, ['where'])
  const comparison = filter && getNamedType(filter.getFields()[column]?.type)
  const missing = comparisons.filter(name => !isInputObjectType(comparison) || !comparison.getFields()[name])
  if (filter && missing.length > 0) {
    const why = isEnumType(scalar) ? ', because Hasura compares the values of an enum table only for equality' : ''
    return `${filter.name} has no ${missing.join(', ')} for it${why}`
  }
  const order = findInput(field.args, ['order_by', 'orderBy'])
  if (order && !isEnumType(getNamedType(order.getFields()[column]?.type))) return `${order.name} has no such field`
  return undefined
}

/** The operators that the pages of a pull use. */
const comparisons = ['_eq', '_gt', '_gte', '_lt', '_lte']

/** @returns undefined if the schema has no fields for it */
function findInput(args: readonly GraphQLArgument[], names: readonly string[]): GraphQLInputObjectType | undefined {
  const input = getNamedType(args.find(({ name }) => names.includes(name))?.type)
  return isInputObjectType(input) ? input : undefined
}
