import { isNumeric } from './aggregate-functions.ts'
import { rowsAsJson, type SelectContext, type Source } from './compile-select.ts'
import type { SelectedField } from './parse-selection.ts'
import { enumNames, scalarText } from './read-input.ts'
import { getColumn } from './role-model.ts'
import { columnOf, identifier, literal } from './sql-builder.ts'

/**
 * `{ aggregate { count max { revision } } nodes { id } }` over the same rows. A permission's limit holds for the nodes
 * and not for what is computed over them.
 */
export function compileAggregate(
  field: SelectedField,
  source: Source,
  rows: (limit: 'none' | 'permission') => string,
  context: SelectContext,
): string {
  const output = context.sql.alias()
  const parts = field.fields.map(part => {
    const name = identifier(part.responseName)
    if (part.definition === undefined) return `${literal(part.parent.name)}::text AS ${name}`
    if (part.name === 'nodes') return `${rowsAsJson(part.fields, source.table, rows('permission'), context)} AS ${name}`
    return `${aggregateToSql(part, source, rows('none'), context)} AS ${name}`
  })
  return `(SELECT row_to_json(${output}) FROM (SELECT ${parts.join(', ')}) AS ${output})`
}

function aggregateToSql(field: SelectedField, source: Source, rows: string, context: SelectContext): string {
  const row = context.sql.alias()
  const output = context.sql.alias()
  const parts = field.fields.map(
    part => `${functionToSql(part, source, row, context)} AS ${identifier(part.responseName)}`,
  )
  // Without a function nothing is aggregated, and each row would answer for itself.
  const from = field.fields.some(part => part.definition !== undefined) ? `FROM (${rows}) AS ${row}` : ''
  return `(SELECT row_to_json(${output}) FROM (SELECT ${parts.join(', ')} ${from}) AS ${output})`
}

function functionToSql(field: SelectedField, source: Source, row: string, context: SelectContext): string {
  if (field.definition === undefined) return `${literal(field.parent.name)}::text`
  if (field.name === 'count') return countToSql(field, row)
  const members = field.fields.map(part => {
    const value =
      part.definition === undefined
        ? literal(part.parent.name)
        : stringified(`${field.name}(${columnOf(row, part.name)})`, part.name, source, context)
    return `${literal(part.responseName)}, ${value}`
  })
  return `json_build_object(${members.join(', ')})`
}

function stringified(expression: string, column: string, source: Source, context: SelectContext): string {
  return context.stringifyNumeric && isNumeric(getColumn(source.table.table, column))
    ? `${expression}::text`
    : expression
}

function countToSql(field: SelectedField, row: string): string {
  const columns = enumNames(field.args.get('columns')).map(name => columnOf(row, name))
  const argument = field.args.get('distinct')
  const distinct = argument !== undefined && scalarText(argument, 'bool') === 'true'
  if (columns.length === 0) return distinct ? `count(DISTINCT ${identifier(row)})` : 'count(*)'
  const counted = columns.length === 1 ? columns[0] : `(${columns.join(', ')})`
  return `count(${distinct ? 'DISTINCT ' : ''}${counted})`
}
