import {
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLObjectType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  isObjectType,
  isRequiredArgument,
} from 'graphql'
import { NotFoundError, UsageError } from '../errors.ts'
import type { RoleSchema } from '../hasura/role-schema.ts'
import { findNearNames } from '../near-names.ts'
import { type RowColumn, readRowColumns } from './row-columns.ts'

/** An argument of the root field, and the type of the variable that is given to it. */
export interface RootArgument {
  readonly name: string
  readonly variableType: string
}

/** A list of rows that can be read page by page. */
export interface RootField {
  readonly name: string
  readonly where: RootArgument
  readonly orderBy: RootArgument
  readonly limit: RootArgument
  readonly columns: readonly RowColumn[]
  readonly leftOut: readonly string[]
  /** The columns by which rows can be filtered and ordered, under the name that they have in the mirror. */
  readonly ordered: ReadonlySet<string>
  /** The arguments of the field that fetches one row by its primary key; absent where the role sees none. */
  readonly primaryKey?: readonly string[]
}

/**
 * @throws NotFoundError with names that are like it
 * @throws UsageError when it is something else than a list of rows of a table, view or function without arguments
 */
export function readRootField(name: string, { role, schema }: RoleSchema): RootField {
  const field = findField(schema, name) ?? refuseUnknown(name, role, schema)
  const row = findRow(field)
  if (!row) {
    const lists = listsOf(schema)
    const meant = findNearNames(name.replace(/(_?by_?pk|_?aggregate|_?connection)$/i, ''), lists)
    throw new UsageError({
      found: `"${name}" is no list of rows, which a pull needs`,
      remedy: advise(meant, lists),
    })
  }
  const [where, orderBy, limit] = [['where'], ['order_by', 'orderBy'], ['limit']].map(names =>
    field.args.find(argument => names.includes(argument.name)),
  )
  if (!where || !orderBy || !limit) {
    throw new UsageError({
      found: `"${name}" takes no where, order_by and limit, which a pull needs to read page by page`,
      remedy:
        'only tables, views and functions that Hasura tracks have them, so write a job of its own (docs/writing-a-job.md)',
    })
  }
  const required = field.args.filter(argument => isRequiredArgument(argument))
  if (required.length > 0) {
    throw new UsageError({
      found: `"${name}" can't be asked for without ${required.map(argument => argument.name).join(', ')}, which a pull doesn't give`,
      remedy: 'name a table or a view, or write a job of its own (docs/writing-a-job.md)',
    })
  }
  requireAscending(name, orderBy)
  const primaryKey = findPrimaryKey(name, row, schema)
  const { columns, leftOut } = readRowColumns(row)
  const filtered = inputFieldsOf(where)
  const ordered = inputFieldsOf(orderBy)
  return {
    name,
    where: describe(where),
    orderBy: describe(orderBy),
    limit: describe(limit),
    columns,
    leftOut,
    ordered: new Set(
      columns
        .filter(({ name, mirrorName }) => name === mirrorName && filtered.has(name) && ordered.has(name))
        .map(column => column.name),
    ),
    ...(primaryKey && { primaryKey }),
  }
}

type Field = GraphQLField<unknown, unknown>

function findField(schema: GraphQLSchema, name: string): Field | undefined {
  const fields = fieldsOf(schema)
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}

function fieldsOf(schema: GraphQLSchema): Readonly<Record<string, Field>> {
  return schema.getQueryType()?.getFields() ?? {}
}

function listsOf(schema: GraphQLSchema): string[] {
  return Object.values(fieldsOf(schema))
    .filter(field => findRow(field) && field.args.some(({ name }) => name === 'where'))
    .map(field => field.name)
}

/** The type of the list's rows, when it is a list of objects. */
function findRow({ type }: Field): GraphQLObjectType | undefined {
  const list = isNonNullType(type) ? type.ofType : type
  if (!isListType(list)) return undefined
  const row = getNamedType(list)
  return isObjectType(row) ? row : undefined
}

function refuseUnknown(name: string, role: string, schema: GraphQLSchema): never {
  if (findField(schema, 'no_queries_available')) {
    throw new NotFoundError({
      found: `Role "${role}" may read nothing of this API`,
      remedy: 'give it a select permission in Hasura, or name another role with --role',
    })
  }
  if (schema.getMutationType()?.getFields()[name]) {
    throw new UsageError({ found: `"${name}" is a mutation`, remedy: 'a pull needs a list of rows' })
  }
  const lists = listsOf(schema)
  throw new NotFoundError({
    found: `Role "${role}" sees no root field "${name}"`,
    remedy: `${advise(findNearNames(name, lists), lists)}; or name another role with --role`,
  })
}

function advise(meant: readonly string[], lists: readonly string[]): string {
  if (meant.length > 0) return `similar names are ${meant.join(', ')}`
  return lists.length > 0 ? `the lists are ${shorten(lists)}` : 'there is no list at all'
}

function shorten(names: readonly string[]): string {
  const shown = names.slice(0, 10).join(', ')
  return names.length > 10 ? `${shown} and ${names.length - 10} more` : shown
}

function describe({ name, type }: GraphQLArgument): RootArgument {
  return { name, variableType: isNonNullType(type) ? String(type) : `${type}!` }
}

function inputFieldsOf({ type }: GraphQLArgument): ReadonlySet<string> {
  const input = getNamedType(type)
  return new Set(isInputObjectType(input) ? Object.keys(input.getFields()) : [])
}

/** A pull orders by `asc`, or by `ASC` as the naming convention `graphql-default` calls it. */
function requireAscending(name: string, { type }: GraphQLArgument): void {
  const input = getNamedType(type)
  const directions = isInputObjectType(input)
    ? Object.values(input.getFields()).map(field => getNamedType(field.type))
    : []
  if (directions.some(direction => isEnumType(direction) && (direction.getValue('asc') ?? direction.getValue('ASC'))))
    return
  throw new UsageError(
    `"${name}" can't be ordered by "asc" or "ASC", as Hasura's naming conventions have it, so a pull can't read it`,
  )
}

/** The field is known by its shape, since both it and its arguments can be renamed: one row, by columns that can't be null. */
function findPrimaryKey(name: string, row: GraphQLObjectType, schema: GraphQLSchema): readonly string[] | undefined {
  const columns = row.getFields()
  const byKey = Object.values(fieldsOf(schema)).filter(
    ({ type, args }) =>
      type === row && args.length > 0 && args.every(argument => isNonNullType(argument.type) && columns[argument.name]),
  )
  const field = byKey.find(candidate => [`${name}_by_pk`, `${name}ByPk`].includes(candidate.name)) ?? byKey[0]
  return field?.args.map(argument => argument.name)
}
