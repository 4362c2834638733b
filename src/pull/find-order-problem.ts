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
import { comparedAs, isOrdered } from '../hasura/scalars.ts'
import { findCursorKind } from './cursor-bound.ts'

/**
 * Why rows can't be read in the order of a column; undefined when they can. The one answer for `add`, for `doctor` and for the
 * run: a page begins behind the last one's end, which takes `_gt`, and Hasura has none for an enum table.
 *
 * @param column as the API calls it
 * @param use a cursor also has to grow with every change
 */
export function findOrderProblem(
  { field, row }: Pick<SelectedList, 'field' | 'row'>,
  column: string,
  use: 'key' | 'cursor',
): string | undefined {
  const type = row.getFields()[column]?.type
  if (!type) return `it is no column of ${row.name}`
  const scalar = getNamedType(type)
  const naming = readNaming(field)
  if (isListType(getNullableType(type)) || !isLeafType(scalar) || !isOrdered(scalar.name, naming)) {
    return `its type, ${type}, has no order`
  }
  if (use === 'cursor' && !findCursorKind(comparedAs(scalar.name, naming))) {
    return `its type, ${type}, can't grow with every change`
  }
  const filter = findInput(field.args, ['where'])
  const comparison = filter && getNamedType(filter.getFields()[column]?.type)
  const missing = comparisons.filter(name => !isInputObjectType(comparison) || !comparison.getFields()[name])
  if (filter && missing.length > 0) {
    const why = isEnumType(scalar) ? ', as Hasura compares the values of an enum table for equality alone' : ''
    return `${filter.name} has no ${missing.join(', ')} for it${why}`
  }
  const order = findInput(field.args, ['order_by', 'orderBy'])
  if (order && !isEnumType(getNamedType(order.getFields()[column]?.type))) return `${order.name} has no such field`
  return undefined
}

/** Those that the pages of a pull are asked for with. */
const comparisons = ['_eq', '_gt', '_gte', '_lt', '_lte']

/** @returns undefined where the schema says nothing of its fields */
function findInput(args: readonly GraphQLArgument[], names: readonly string[]): GraphQLInputObjectType | undefined {
  const input = getNamedType(args.find(({ name }) => names.includes(name))?.type)
  return isInputObjectType(input) ? input : undefined
}
