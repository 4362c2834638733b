import { type GraphQLFieldConfigMap, GraphQLInt, GraphQLList, GraphQLNonNull } from 'graphql'
import { withHints } from './input-hints.ts'
import { queryFields } from './query-fields.ts'
import type { RoleModel } from './role-model.ts'
import { nonNullList, selectColumns, sorted, TableTypes } from './table-types.ts'
import type { TypeRegistry } from './type-registry.ts'

/** Live queries are the fields of the query root; a stream returns batches of rows with a greater cursor. */
export function subscriptionFields(types: TypeRegistry, model: RoleModel): GraphQLFieldConfigMap<unknown, unknown> {
  const tableTypes = new TableTypes(types, model)
  const fields: GraphQLFieldConfigMap<unknown, unknown> = { ...queryFields(types, model).configs }
  const ordering = types.enum('cursor_ordering', 'ordering argument of a cursor', {
    ASC: { description: 'ascending ordering of the cursor' },
    DESC: { description: 'descending ordering of the cursor' },
  })
  for (const table of model.tables.values()) {
    if (table.select === undefined) continue
    const { name } = table.table
    const initial = types.input(
      `${name}_stream_cursor_value_input`,
      'Initial value of the column from where the streaming should start',
      () =>
        sorted(
          Object.fromEntries(
            selectColumns(table).map(({ name: column, type }) => [
              column,
              withHints({ type: types.scalar(type) }, { column: type, acceptsNull: true }),
            ]),
          ),
        ),
    )
    const cursor = types.input(`${name}_stream_cursor_input`, `Streaming cursor of the table "${name}"`, () => ({
      initial_value: { type: new GraphQLNonNull(initial), description: 'Stream column input with initial value' },
      ordering: { type: ordering, description: 'cursor ordering' },
    }))
    fields[`${name}_stream`] = {
      type: nonNullList(tableTypes.row(table)),
      description: `fetch data from the table in a streaming manner: "${name}"`,
      args: {
        batch_size: {
          type: new GraphQLNonNull(GraphQLInt),
          description: 'maximum number of rows returned in a single batch',
        },
        cursor: {
          type: new GraphQLNonNull(new GraphQLList(cursor)),
          description: 'cursor to stream the results returned by the query',
        },
        where: { type: tableTypes.boolExp(table), description: 'filter the rows returned' },
      },
    }
  }
  return sorted(fields)
}
