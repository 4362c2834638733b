import { compileDelete, compileInsert, compileUpdate, keyOf, type Statement } from './compile-mutation.ts'
import { compileSelect, type SelectContext } from './compile-select.ts'
import type { Query } from './database.ts'
import { fromDatabaseError } from './database-error.ts'
import { formatPath, HasuraError } from './hasura-error.ts'
import type { SelectedField } from './parse-selection.ts'
import { keyCondition, parseWhere } from './parse-where.ts'
import { listItems, objectFields } from './read-input.ts'
import type { RootField } from './root-field.ts'
import { functionCall } from './run-query.ts'
import { resultText, violations } from './statement-result.ts'

/** Runs one field of a mutation in its transaction and returns the JSON text of its result. */
export async function runMutation(
  field: SelectedField,
  action: RootField,
  query: Query,
  newContext: () => SelectContext,
): Promise<string> {
  const context = newContext()
  const { table } = action
  const run = (statement: Statement, in_: SelectContext, path = '$') => runChecked(statement, in_, query, path)
  const argument = (name: string) => formatPath(['selectionSet', field.name, 'args', name])
  switch (action.kind) {
    case 'insert':
      if (listItems(field.args.get('objects')).length === 0) return emptyResponse(field)
      return run(compileInsert(field, table, context), context, argument('objects'))
    case 'insertOne':
      return run(compileInsert(field, table, context), context, argument('object'))
    case 'update': {
      const where = parseWhere(field.args.get('where'), table, context.model)
      const given = { operators: field.args, where, path: formatPath(['selectionSet', field.name, 'args']) }
      return run(compileUpdate(field, table, context, given), context)
    }
    case 'updateByKey': {
      const where = keyOf(field.args.get('pk_columns'), table)
      const given = { operators: field.args, where, path: formatPath(['selectionSet', field.name, 'args']) }
      return run(compileUpdate(field, table, context, given), context)
    }
    case 'updateMany': {
      const results: string[] = []
      for (const [i, update] of listItems(field.args.get('updates')).entries()) {
        const own = newContext()
        const operators = objectFields(update)
        const where = parseWhere(operators.get('where'), table, own.model)
        const given = { operators, where, path: formatPath(['selectionSet', field.name, 'args', 'updates', i]) }
        results.push(await run(compileUpdate(field, table, own, given), own))
      }
      return `[${results.join(',')}]`
    }
    case 'delete':
      return run(
        compileDelete(field, table, context, parseWhere(field.args.get('where'), table, context.model)),
        context,
      )
    case 'deleteByKey':
      return run(compileDelete(field, table, context, keyCondition(field.args, table)), context)
    case 'function': {
      const from = functionCall(field, action.fn, context)
      const select = compileSelect(field, { table, from, path: ['selectionSet', field.name] }, context)
      return run(`SELECT ${select}::text AS "result", 0 AS "violations"`, context)
    }
    default:
      throw new Error(`${action.kind} is not a mutation`)
  }
}

async function runChecked(statement: Statement, context: SelectContext, query: Query, path: string): Promise<string> {
  try {
    const rows = await query(statement, context.sql.params)
    if (violations(rows) > 0) {
      throw new HasuraError('permission-error', 'check constraint of an insert/update permission has failed', path)
    }
    return resultText(rows)
  } catch (error) {
    throw fromDatabaseError(error, path)
  }
}

/** Nothing to insert: no statement, and an answer all the same. */
function emptyResponse(field: SelectedField): string {
  const empty = (name: string, parent: string) => (name === 'affected_rows' ? 0 : name === 'returning' ? [] : parent)
  return JSON.stringify(Object.fromEntries(field.fields.map(f => [f.responseName, empty(f.name, f.parent.name)])))
}
