import {
  type GraphQLArgument,
  type GraphQLObjectType,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isNonNullType,
  isRequiredArgument,
} from 'graphql'
import { UsageError } from '../errors.ts'
import { findRow } from '../hasura/find-list.ts'
import type { RoleSchema } from '../hasura/role-schema.ts'
import { adviseList, type Fields, findRootField } from './root-lists.ts'
import { type RowColumn, readRowColumns } from './row-columns.ts'

/** An argument of the root field, and the type of its variable. */
export interface RootArgument {
  readonly name: string
  readonly variableType: string
}

/** A list of rows that supports paging. */
export interface RootField {
  /** `users`, or `north.users` when the source's root fields are in a namespace. */
  readonly name: string
  readonly where: RootArgument
  readonly orderBy: RootArgument
  readonly limit: RootArgument
  readonly columns: readonly RowColumn[]
  /** The arguments of the field that fetches one row by primary key; absent when the role sees none. */
  readonly primaryKey?: readonly string[]
}

/**
 * @throws NotFoundError with similar names
 * @throws UsageError when it isn't a list of rows of a table, view or function without arguments
 */
export function readRootField(place: string, schema: RoleSchema): RootField {
  const { field, siblings } = findRootField(place, schema)
  const row = findRow(field)
  if (!row) {
    const meant = place.replace(/(_?by_?pk|_?aggregate|_?connection)$/i, '')
    throw new UsageError({
      found: `"${place}" is not a list of rows`,
      remedy: adviseList(meant, schema.schema),
    })
  }
  const [where, orderBy, limit] = [['where'], ['order_by', 'orderBy'], ['limit']].map(names =>
    field.args.find(argument => names.includes(argument.name)),
  )
  if (!where || !orderBy || !limit) {
    throw new UsageError({
      found: `"${place}" lacks the arguments where, order_by and limit, which a pull needs for paging`,
      remedy:
        'name a table, a view or a function that Hasura tracks, or write a job of its own (docs/writing-a-job.md)',
    })
  }
  const required = field.args.filter(argument => isRequiredArgument(argument))
  if (required.length > 0) {
    throw new UsageError({
      found: `"${place}" requires ${required.map(argument => argument.name).join(', ')}, which a pull doesn't pass`,
      remedy: 'name a table or a view, or write a job of its own (docs/writing-a-job.md)',
    })
  }
  requireAscending(place, orderBy)
  const primaryKey = findPrimaryKey(field.name, row, siblings)
  return {
    name: place,
    where: describe(where),
    orderBy: describe(orderBy),
    limit: describe(limit),
    columns: readRowColumns({ field, row }),
    ...(primaryKey && { primaryKey }),
  }
}

function describe({ name, type }: GraphQLArgument): RootArgument {
  return { name, variableType: isNonNullType(type) ? String(type) : `${type}!` }
}

/** A pull orders by `asc`, or by `ASC` under the naming convention `graphql-default`. */
function requireAscending(place: string, { type }: GraphQLArgument): void {
  const input = getNamedType(type)
  const directions = isInputObjectType(input)
    ? Object.values(input.getFields()).map(field => getNamedType(field.type))
    : []
  if (directions.some(direction => isEnumType(direction) && (direction.getValue('asc') ?? direction.getValue('ASC'))))
    return
  throw new UsageError(
    `"${place}" can't be ordered by "asc" or "ASC", the directions of Hasura's naming conventions, so a pull can't read it`,
  )
}

/** Recognizes the field by its shape, because it and its arguments can be renamed: one row, by columns that are never null. */
function findPrimaryKey(name: string, row: GraphQLObjectType, siblings: Fields): readonly string[] | undefined {
  const columns = row.getFields()
  const byKey = Object.values(siblings).filter(
    ({ type, args }) =>
      type === row && args.length > 0 && args.every(argument => isNonNullType(argument.type) && columns[argument.name]),
  )
  const field = byKey.find(candidate => [`${name}_by_pk`, `${name}ByPk`].includes(candidate.name)) ?? byKey[0]
  return field?.args.map(argument => argument.name)
}
