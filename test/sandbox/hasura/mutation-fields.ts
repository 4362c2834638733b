import { GraphQLList, GraphQLNonNull } from 'graphql'
import { withHints } from './input-hints.ts'
import { MutationTypes } from './mutation-types.ts'
import { getRoleTable, type RoleModel, type RoleTable } from './role-model.ts'
import { type Add, collectRootFields, functionArguments, keyIsSelectable, type RootFields } from './root-field.ts'
import { listOf, TableTypes } from './table-types.ts'
import type { TypeRegistry } from './type-registry.ts'

export function mutationFields(types: TypeRegistry, model: RoleModel): RootFields {
  const tableTypes = new TableTypes(types, model)
  const mutationTypes = new MutationTypes(types, tableTypes)
  return collectRootFields(add => {
    for (const table of model.tables.values()) {
      addInserts(add, table, tableTypes, mutationTypes)
      addUpdates(add, table, tableTypes, mutationTypes)
      addDeletes(add, table, tableTypes, mutationTypes)
    }
    for (const fn of model.functions) {
      if (fn.exposedAs !== 'mutation') continue
      const table = getRoleTable(model, fn.definition.returns)
      const field = tableTypes.rowsField(table)
      const args = { ...functionArguments(types, fn), ...field.args }
      const description = `execute VOLATILE function "${fn.definition.name}" which returns "${table.table.name}"`
      add(fn.definition.name, { ...field, args, description }, { kind: 'function', table, fn })
    }
  })
}

function addInserts(add: Add, table: RoleTable, tableTypes: TableTypes, types: MutationTypes): void {
  if (table.insert === undefined) return
  const { name } = table.table
  const input = types.insertInput(table)
  const conflict =
    table.table.uniqueConstraints.length === 0
      ? {}
      : {
          on_conflict: withHints(
            { type: types.onConflict(table), description: 'upsert condition' },
            { acceptsNull: true },
          ),
        }
  const objects = { type: new GraphQLNonNull(listOf(input)), description: 'the rows to be inserted' }
  add(
    `insert_${name}`,
    {
      type: types.response(table),
      args: { objects, ...conflict },
      description: `insert data into the table: "${name}"`,
    },
    { kind: 'insert', table },
  )
  if (table.select === undefined) return
  const object = { type: new GraphQLNonNull(input), description: 'the row to be inserted' }
  add(
    `insert_${name}_one`,
    {
      type: tableTypes.row(table),
      args: { object, ...conflict },
      description: `insert a single row into the table: "${name}"`,
    },
    { kind: 'insertOne', table },
  )
}

function addUpdates(add: Add, table: RoleTable, tableTypes: TableTypes, types: MutationTypes): void {
  if (table.update === undefined || table.select === undefined) return
  const { name } = table.table
  const operators = types.updateOperators(table)
  const where = {
    type: new GraphQLNonNull(tableTypes.boolExp(table)),
    description: 'filter the rows which have to be updated',
  }
  const description = `update data of the table: "${name}"`
  add(
    `update_${name}`,
    { type: types.response(table), args: { ...operators, where }, description },
    { kind: 'update', table },
  )
  const updates = {
    type: new GraphQLNonNull(listOf(types.updates(table))),
    description: 'updates to execute, in order',
  }
  add(
    `update_${name}_many`,
    {
      type: new GraphQLList(types.response(table)),
      args: { updates },
      description: `update multiples rows of table: "${name}"`,
    },
    { kind: 'updateMany', table },
  )
  if (!keyIsSelectable(table)) return
  const pk_columns = { type: new GraphQLNonNull(types.keyInput(table)) }
  add(
    `update_${name}_by_pk`,
    {
      type: tableTypes.row(table),
      args: { ...operators, pk_columns },
      description: `update single row of the table: "${name}"`,
    },
    { kind: 'updateByKey', table },
  )
}

function addDeletes(add: Add, table: RoleTable, tableTypes: TableTypes, types: MutationTypes): void {
  if (table.delete === undefined || table.select === undefined) return
  const { name } = table.table
  const where = {
    type: new GraphQLNonNull(tableTypes.boolExp(table)),
    description: 'filter the rows which have to be deleted',
  }
  const description = `delete data from the table: "${name}"`
  add(`delete_${name}`, { type: types.response(table), args: { where }, description }, { kind: 'delete', table })
  if (!keyIsSelectable(table)) return
  add(
    `delete_${name}_by_pk`,
    {
      type: tableTypes.row(table),
      args: types.keyArguments(table),
      description: `delete single row from the table: "${name}"`,
    },
    { kind: 'deleteByKey', table },
  )
}
