import { compileSelect, compileSelectAggregate, compileSelectByKey, type SelectContext } from './compile-select.ts'
import type { Query } from './database.ts'
import { fromDatabaseError } from './database-error.ts'
import type { SelectedField } from './parse-selection.ts'
import { objectFields, scalarText } from './read-input.ts'
import type { RoleFunction } from './role-model.ts'
import type { RootField } from './root-field.ts'
import { identifier, literal } from './sql-builder.ts'
import { resultText } from './statement-result.ts'

/** Runs one field of a query as one statement and returns the JSON text of its result. */
export async function runQuery(
  field: SelectedField,
  action: RootField,
  query: Query,
  context: SelectContext,
): Promise<string> {
  const statement = `SELECT ${compile(field, action, context)}::text AS "result"`
  try {
    return resultText(await query(statement, context.sql.params))
  } catch (error) {
    throw fromDatabaseError(error)
  }
}

function compile(field: SelectedField, action: RootField, context: SelectContext): string {
  const source = { table: action.table, path: ['selectionSet', field.name] }
  switch (action.kind) {
    case 'select':
      return compileSelect(field, source, context)
    case 'selectByKey':
      return compileSelectByKey(field, action.table, context)
    case 'selectAggregate':
      return compileSelectAggregate(field, source, context)
    case 'function':
      return compileSelect(field, { ...source, from: functionCall(field, action.fn, context) }, context)
    case 'functionAggregate':
      return compileSelectAggregate(field, { ...source, from: functionCall(field, action.fn, context) }, context)
    default:
      throw new Error(`${action.kind} is not a query`)
  }
}

/** `public.search_articles("search" => $1)`; the session goes in as a whole where the function wants it. */
export function functionCall(field: SelectedField, fn: RoleFunction, { sql, session }: SelectContext): string {
  const given = objectFields(field.args.get('args'))
  const args = fn.definition.arguments.flatMap(({ name, type }) => {
    if (name === fn.sessionArgument) {
      const json = JSON.stringify(Object.fromEntries(session.variables))
      return [`${identifier(name)} => ${literal(json)}::json`]
    }
    const value = given.get(name)
    return value === undefined ? [] : [`${identifier(name)} => ${sql.value(scalarText(value, type), type)}`]
  })
  return `"public".${identifier(fn.definition.name)}(${args.join(', ')})`
}
