import { type GraphQLOutputType, getNamedType, isObjectType } from 'graphql'
import { type BoolExp, boolExpToSql, operandToSql } from './bool-exp.ts'
import { rowAsJson, rowsAsJson, type SelectContext } from './compile-select.ts'
import { validationFailed } from './hasura-error.ts'
import { ownNameOf } from './input-hints.ts'
import { parseFilter, presetOperand } from './parse-filter.ts'
import type { Input } from './parse-input.ts'
import type { SelectedField } from './parse-selection.ts'
import { keyCondition, parseWhere } from './parse-where.ts'
import { enumNames, listItems, objectFields, scalarText } from './read-input.ts'
import { type Filter, getColumn, type RoleTable } from './role-model.ts'
import { columnOf, identifier, literal } from './sql-builder.ts'

/** A statement that returns one row: `result`, the JSON of the response, and `violations`, the rows that a check refuses. */
export type Statement = string

const touched = '"touched"'

export function compileInsert(field: SelectedField, table: RoleTable, context: SelectContext): Statement {
  const insert = required(table.insert)
  const object = field.args.get('object')
  const objects = (object === undefined ? listItems(field.args.get('objects')) : [object]).map(objectFields)
  const { sql, session } = context
  const presets = Object.entries(insert.presets)
  // Rows may name different columns; a column that one row lacks takes its default there.
  const names = [...new Set([...objects.flatMap(fields => [...fields.keys()]), ...presets.map(([name]) => name)])]
  const rows = objects.map(fields =>
    names.map(name => {
      const { type } = getColumn(table.table, name)
      if (name in insert.presets) return operandToSql(presetOperand(insert.presets[name]), type, sql, session)
      const value = fields.get(name)
      return value === undefined ? 'DEFAULT' : sql.value(scalarText(value, type), type)
    }),
  )
  const row = sql.alias()
  const values = rows.map(row => `(${row.join(', ')})`).join(', ')
  const inserted =
    names.length === 0 && rows.length === 1
      ? 'DEFAULT VALUES'
      : `(${names.map(identifier).join(', ')}) VALUES ${values}`
  const conflict = objectFields(field.args.get('on_conflict'))
  const check = checkToSql(insert.check, table, row, context)
  const updates = conflict.size > 0 && enumNames(conflict.get('update_columns')).length > 0
  const updateCheck = updates ? checkToSql(table.update?.check ?? {}, table, row, context) : 'true'
  // A row that an upsert inserted has no xmax: the two permissions have checks of their own.
  const checked = updates ? `CASE WHEN ${identifier(row)}.xmax = 0 THEN ${check} ELSE ${updateCheck} END` : check
  return respond(
    field,
    table,
    `INSERT INTO ${table.table.source} AS ${identifier(row)} ${inserted} ${conflictToSql(conflict, table, row, context)}
      RETURNING ${identifier(row)}.*, ${checked} AS "__check"`,
    context,
  )
}

function conflictToSql(
  conflict: ReadonlyMap<string, Input>,
  table: RoleTable,
  row: string,
  context: SelectContext,
): string {
  if (conflict.size === 0) return ''
  const constraint = conflict.get('constraint')
  if (constraint?.kind !== 'enum') throw new Error('an upsert has a constraint')
  const target = `ON CONFLICT ON CONSTRAINT ${identifier(constraint.name)}`
  const columns = enumNames(conflict.get('update_columns'))
  if (columns.length === 0) return `${target} DO NOTHING`
  const update = required(table.update)
  const assignments = columns.map(name => `${identifier(name)} = excluded.${identifier(name)}`)
  const presets = presetAssignments(update.presets, table, context)
  const condition: BoolExp = {
    kind: 'and',
    of: [parseFilter(update.filter, table, context.model), parseWhere(conflict.get('where'), table, context.model)],
  }
  const where = boolExpToSql(condition, row, context.sql, context.session)
  return `${target} DO UPDATE SET ${[...assignments, ...presets].join(', ')} WHERE ${where}`
}

export function compileUpdate(
  field: SelectedField,
  table: RoleTable,
  context: SelectContext,
  given: { operators: ReadonlyMap<string, Input>; where: BoolExp; path: string },
): Statement {
  const update = required(table.update)
  const { model, session, sql } = context
  const row = sql.alias()
  const assignments = [
    ...updateAssignments(given, table, row, context),
    ...presetAssignments(update.presets, table, context),
  ]
  const nothing = `SELECT *, true AS "__check" FROM ${table.table.source} WHERE false`
  if (assignments.length === 0) return respond(field, table, nothing, context)
  const condition: BoolExp = { kind: 'and', of: [parseFilter(update.filter, table, model), given.where] }
  const check = update.check === null ? 'true' : checkToSql(update.check, table, row, context)
  return respond(
    field,
    table,
    `UPDATE ${table.table.source} AS ${identifier(row)} SET ${assignments.join(', ')}
      WHERE ${boolExpToSql(condition, row, sql, session)} RETURNING ${identifier(row)}.*, ${check} AS "__check"`,
    context,
  )
}

function updateAssignments(
  { operators, path }: { readonly operators: ReadonlyMap<string, Input>; readonly path: string },
  table: RoleTable,
  row: string,
  context: SelectContext,
): string[] {
  const changes = [...operators].flatMap(([operator, input]) =>
    operator.startsWith('_') ? [...objectFields(input)].map(([name, value]) => ({ operator, name, value })) : [],
  )
  const names = changes.map(({ name }) => name)
  const twice = new Set(names.filter((name, at) => names.indexOf(name) < at))
  if (twice.size > 0) {
    const list = [...twice].map(name => `'${name}'`).join(', ')
    throw validationFailed(`Column found in multiple operators: [${list}].`, path)
  }
  return changes.map(
    ({ operator, name, value }) => `${identifier(name)} = ${assignedToSql(operator, name, value, table, row, context)}`,
  )
}

function assignedToSql(
  operator: string,
  name: string,
  value: Input,
  table: RoleTable,
  row: string,
  { sql }: SelectContext,
): string {
  const { type } = getColumn(table.table, name)
  const column = columnOf(row, name)
  switch (operator) {
    case '_set':
      return sql.value(scalarText(value, type), type)
    case '_inc':
      return `${column} + ${sql.value(scalarText(value, type), type)}`
    case '_append':
      return `${column} || ${sql.value(scalarText(value, type), type)}`
    case '_prepend':
      return `${sql.value(scalarText(value, type), type)} || ${column}`
    case '_delete_key':
      return `${column} - ${sql.value(scalarText(value, 'text'), 'text')}`
    case '_delete_elem':
      return `${column} - ${sql.value(scalarText(value, 'int4'), 'int4')}`
    case '_delete_at_path':
      return `${column} #- ARRAY[${listItems(value)
        .map(step => sql.value(scalarText(step, 'text'), 'text'))
        .join(', ')}]::text[]`
    default:
      throw new Error(`unknown operator ${operator}`)
  }
}

export function compileDelete(
  field: SelectedField,
  table: RoleTable,
  context: SelectContext,
  where: BoolExp,
): Statement {
  const { filter } = required(table.delete)
  const row = context.sql.alias()
  const condition: BoolExp = { kind: 'and', of: [parseFilter(filter, table, context.model), where] }
  return respond(
    field,
    table,
    `DELETE FROM ${table.table.source} AS ${identifier(row)}
      WHERE ${boolExpToSql(condition, row, context.sql, context.session)} RETURNING ${identifier(row)}.*, true AS "__check"`,
    context,
  )
}

export const keyOf = (input: Input | undefined, table: RoleTable): BoolExp => keyCondition(objectFields(input), table)

/** The mutation's response, from the rows that the same statement changed. */
function respond(field: SelectedField, table: RoleTable, change: string, context: SelectContext): Statement {
  const isResponse = field.definition !== undefined && isMutationResponse(field.definition.type)
  const result = isResponse
    ? responseObject(field, table, context)
    : rowAsJson(field.fields, table, `SELECT * FROM ${touched}`, context)
  return `WITH ${touched} AS (${change})
    SELECT (${result})::text AS "result", (SELECT count(*) FROM ${touched} WHERE NOT coalesce("__check", false))::int AS "violations"`
}

/** Otherwise it is a row. */
function isMutationResponse(type: GraphQLOutputType): boolean {
  const named = getNamedType(type)
  return isObjectType(named) && Object.values(named.getFields()).some(field => ownNameOf(field) === 'affected_rows')
}

function responseObject(field: SelectedField, table: RoleTable, context: SelectContext): string {
  const members = field.fields.map(part => {
    const name = identifier(part.responseName)
    if (part.definition === undefined) return `${literal(part.parent.name)}::text AS ${name}`
    if (part.name === 'affected_rows') return `(SELECT count(*) FROM ${touched}) AS ${name}`
    return `${rowsAsJson(part.fields, table, `SELECT * FROM ${touched}`, context)} AS ${name}`
  })
  const output = context.sql.alias()
  return `SELECT row_to_json(${output}) FROM (SELECT ${members.join(', ')}) AS ${output}`
}

function checkToSql(check: Filter, table: RoleTable, row: string, context: SelectContext): string {
  return boolExpToSql(parseFilter(check, table, context.model), row, context.sql, context.session)
}

function presetAssignments(presets: Filter, table: RoleTable, { sql, session }: SelectContext): string[] {
  return Object.entries(presets).map(([name, value]) => {
    const { type } = getColumn(table.table, name)
    return `${identifier(name)} = ${operandToSql(presetOperand(value), type, sql, session)}`
  })
}

function required<T>(permission: T | undefined): T {
  if (permission === undefined) throw new Error('the schema offers what the role may not do')
  return permission
}
