import { isNumeric } from './aggregate-functions.ts'
import { type BoolExp, boolExpToSql, joinToSql } from './bool-exp.ts'
import { compileAggregate } from './compile-aggregate.ts'
import { compileOrderBy } from './compile-order-by.ts'
import { formatPath, parseFailed, validationFailed } from './hasura-error.ts'
import type { Input } from './parse-input.ts'
import type { SelectedField } from './parse-selection.ts'
import { keyCondition, parseWhere, selectFilter } from './parse-where.ts'
import { enumNames, scalarText } from './read-input.ts'
import { getColumn, getRoleTable, type Relationship, type RoleModel, type RoleTable } from './role-model.ts'
import type { Session } from './session.ts'
import { columnOf, identifier, literal, type SqlBuilder } from './sql-builder.ts'

export interface SelectContext {
  readonly model: RoleModel
  readonly session: Session
  readonly sql: SqlBuilder
  /** bigint, numeric and floats as JSON strings: HASURA_GRAPHQL_STRINGIFY_NUMERIC_TYPES. */
  readonly stringifyNumeric: boolean
  /** A condition that the sandbox adds to a table's rows, for rows that aren't visible yet. */
  readonly visible: (table: string, alias: string) => string | undefined
}

/** The source of the rows: the table, a function's result, or the rows that a mutation changed. */
export interface Source {
  readonly table: RoleTable
  /** SQL of something to select from; the table when absent. */
  readonly from?: string
  readonly path: readonly string[]
}

/** Postgres writes the JSON itself, so that digits and microseconds never pass through JavaScript. */
export function compileSelect(field: SelectedField, source: Source, context: SelectContext): string {
  return rowsAsJson(field.fields, source.table, selectRows(field.args, source, context), context)
}

export function compileSelectByKey(field: SelectedField, table: RoleTable, context: SelectContext): string {
  const row = context.sql.alias()
  const where = boolExpToSql(
    { kind: 'and', of: [selectFilter(table, context.model), keyCondition(field.args, table)] },
    row,
    context.sql,
    context.session,
  )
  const visible = context.visible(table.table.name, row) ?? 'true'
  const rows = `SELECT * FROM ${table.table.source} AS ${identifier(row)} WHERE ${where} AND ${visible}`
  return rowAsJson(field.fields, table, rows, context)
}

export function compileSelectAggregate(field: SelectedField, source: Source, context: SelectContext): string {
  return compileAggregate(field, source, limit => selectRows(field.args, source, context, { limit }), context)
}

/** A JSON array with an object of the selected fields for each row. */
export function rowsAsJson(
  fields: readonly SelectedField[],
  table: RoleTable,
  rows: string,
  context: SelectContext,
): string {
  const row = context.sql.alias()
  const output = context.sql.alias()
  const list = selectList(fields, table, row, context)
  return `(SELECT coalesce(json_agg(row_to_json(${output})), '[]') FROM (SELECT ${list} FROM (${rows}) AS ${row}) AS ${output})`
}

/** The object of one row, or null. */
export function rowAsJson(
  fields: readonly SelectedField[],
  table: RoleTable,
  rows: string,
  context: SelectContext,
): string {
  const row = context.sql.alias()
  const output = context.sql.alias()
  const list = selectList(fields, table, row, context)
  return `(SELECT row_to_json(${output}) FROM (SELECT ${list} FROM (${rows}) AS ${row}) AS ${output} LIMIT 1)`
}

function selectList(fields: readonly SelectedField[], table: RoleTable, row: string, context: SelectContext): string {
  return fields
    .map(field => `${fieldToSql(field, table, row, context)} AS ${identifier(field.responseName)}`)
    .join(', ')
}

function fieldToSql(field: SelectedField, table: RoleTable, row: string, context: SelectContext): string {
  if (field.definition === undefined) return `${literal(field.parent.name)}::text`
  const relationship = table.relationships.get(field.name)
  if (relationship !== undefined) return relationshipToSql(field, relationship, row, context)
  const aggregated = table.relationships.get(field.name.replace(/_aggregate$/, ''))
  if (aggregated !== undefined) {
    const target = getRoleTable(context.model, aggregated.target)
    const source = { table: target, path: [] }
    return compileAggregate(
      field,
      source,
      limit => selectRows(field.args, source, context, { limit, join: remote => joinToSql(aggregated, row, remote) }),
      context,
    )
  }
  const column = getColumn(table.table, field.name)
  const path = field.args.get('path')
  const text = columnOf(row, column.name)
  if (path !== undefined) return jsonPathToSql(text, scalarText(path, 'text') ?? '', context)
  return context.stringifyNumeric && isNumeric(column) && column.type !== 'int2' && column.type !== 'int4'
    ? `${text}::text`
    : text
}

function relationshipToSql(
  field: SelectedField,
  relationship: Relationship,
  row: string,
  context: SelectContext,
): string {
  const target = getRoleTable(context.model, relationship.target)
  const rows = selectRows(field.args, { table: target, path: [] }, context, {
    join: remote => joinToSql(relationship, row, remote),
  })
  return relationship.kind === 'object'
    ? rowAsJson(field.fields, target, rows, context)
    : rowsAsJson(field.fields, target, rows, context)
}

function jsonPathToSql(column: string, path: string, context: SelectContext): string {
  const steps = [...path.matchAll(/(?:^\$)?\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\[["']([^"']*)["']\]/g)].map(
    m => m[1] ?? m[2] ?? m[3] ?? '',
  )
  if (path === '$' || path === '') return column
  if (steps.length === 0) throw parseFailed(`parse json path error: ${path}`)
  return `${column} #> ARRAY[${steps.map(step => context.sql.value(step, 'text')).join(', ')}]`
}

/** The rows that a field with Hasura's five arguments selects and the role may see. */
function selectRows(
  args: ReadonlyMap<string, Input>,
  source: Source,
  context: SelectContext,
  options: { join?: (alias: string) => string; limit?: 'none' | 'permission' | undefined } = {},
): string {
  const { model, session, sql } = context
  const { table } = source
  const row = sql.alias()
  const filter: BoolExp = { kind: 'and', of: [selectFilter(table, model), parseWhere(args.get('where'), table, model)] }
  const conditions = [
    ...(options.join === undefined ? [] : [options.join(row)]),
    boolExpToSql(filter, row, sql, session),
    ...(source.from === undefined ? [context.visible(table.table.name, row) ?? 'true'] : []),
  ]
  const distinct = enumNames(args.get('distinct_on'))
  const order = compileOrderBy(args.get('order_by'), table, row, context)
  if (
    distinct.length > 0 &&
    order.length > 0 &&
    !startsWith(
      order.map(item => item.column),
      distinct,
    )
  ) {
    const message = '"distinct_on" columns must match initial "order_by" columns'
    throw validationFailed(message, formatPath([...source.path, 'args']))
  }
  const limit = effectiveLimit(args.get('limit'), options.limit === 'none' ? undefined : table.select?.limit)
  return [
    'SELECT',
    distinct.length > 0 ? `DISTINCT ON (${distinct.map(name => columnOf(row, name)).join(', ')})` : '',
    `${identifier(row)}.* FROM ${source.from ?? table.table.source} AS ${identifier(row)}`,
    `WHERE ${conditions.join(' AND ')}`,
    order.length > 0
      ? `ORDER BY ${order.map(({ expression, direction }) => `${expression} ${direction}`).join(', ')}`
      : '',
    limit === undefined ? '' : `LIMIT ${limit}`,
    offsetToSql(args.get('offset')),
  ].join(' ')
}

function effectiveLimit(asked: Input | undefined, permitted: number | undefined): string | undefined {
  const text = asked === undefined ? null : scalarText(asked, 'int4')
  if (text === null) return permitted?.toString()
  return permitted === undefined || Number(text) < permitted ? text : String(permitted)
}

function offsetToSql(offset: Input | undefined): string {
  const text = offset === undefined ? null : scalarText(offset, 'int8')
  return text === null ? '' : `OFFSET ${text}`
}

/** The columns to be distinct in must come first in the order, in any order among themselves. */
function startsWith(order: readonly (string | undefined)[], distinct: readonly string[]): boolean {
  const initial = order.slice(0, distinct.length)
  return distinct.every(name => initial.includes(name))
}
