import { MutationTypes } from './mutation-types.ts'
import { getRoleTable, type RoleModel } from './role-model.ts'
import { collectRootFields, functionArguments, keyIsSelectable, type RootFields } from './root-field.ts'
import { TableTypes } from './table-types.ts'
import type { TypeRegistry } from './type-registry.ts'

export function queryFields(types: TypeRegistry, model: RoleModel): RootFields {
  const tableTypes = new TableTypes(types, model)
  const mutationTypes = new MutationTypes(types, tableTypes)
  return collectRootFields(add => {
    for (const table of model.tables.values()) {
      if (table.select === undefined) continue
      const { name } = table.table
      add(
        name,
        { ...tableTypes.rowsField(table), description: `fetch data from the table: "${name}"` },
        { kind: 'select', table },
      )
      if (table.select.aggregations) {
        const description = `fetch aggregated fields from the table: "${name}"`
        add(
          `${name}_aggregate`,
          { ...tableTypes.aggregateField(table), description },
          { kind: 'selectAggregate', table },
        )
      }
      if (keyIsSelectable(table)) {
        const config = { type: tableTypes.row(table), args: mutationTypes.keyArguments(table) }
        const description = `fetch data from the table: "${name}" using primary key columns`
        add(`${name}_by_pk`, { ...config, description }, { kind: 'selectByKey', table })
      }
    }
    for (const fn of model.functions) {
      if (fn.exposedAs !== 'query') continue
      const table = getRoleTable(model, fn.definition.returns)
      const args = functionArguments(types, fn)
      const field = tableTypes.rowsField(table)
      add(fn.definition.name, { ...field, args: { ...args, ...field.args } }, { kind: 'function', table, fn })
      if (table.select?.aggregations) {
        const aggregate = tableTypes.aggregateField(table)
        const action = { kind: 'functionAggregate', table, fn } as const
        add(`${fn.definition.name}_aggregate`, { ...aggregate, args: { ...args, ...aggregate.args } }, action)
      }
    }
  })
}
