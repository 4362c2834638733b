import type { GraphQLFieldConfig, GraphQLFieldConfigMap } from 'graphql'
import { GraphQLInt, GraphQLList, GraphQLNonNull } from 'graphql'
import { withHints } from './input-hints.ts'
import { MutationTypes } from './mutation-types.ts'
import { getRoleTable, type RoleFunction, type RoleModel, type RoleTable } from './role-model.ts'
import { listOf, nonNullList, selectColumns, sorted, TableTypes } from './table-types.ts'
import type { TypeRegistry } from './type-registry.ts'

/** What a root field stands for: the schema says how it may be asked for, this says what to do then. */
export type RootField =
  | {
      kind:
        | 'select'
        | 'selectByKey'
        | 'selectAggregate'
        | 'insert'
        | 'insertOne'
        | 'update'
        | 'updateByKey'
        | 'updateMany'
        | 'delete'
        | 'deleteByKey'
      table: RoleTable
    }
  | { kind: 'function' | 'functionAggregate'; table: RoleTable; fn: RoleFunction }

type Config = GraphQLFieldConfig<unknown, unknown>
export interface RootFields {
  readonly configs: GraphQLFieldConfigMap<unknown, unknown>
  readonly actions: ReadonlyMap<string, RootField>
}

export function queryFields(types: TypeRegistry, model: RoleModel): RootFields {
  const tableTypes = new TableTypes(types, model)
  const mutationTypes = new MutationTypes(types, tableTypes)
  return collect(add => {
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

export function mutationFields(types: TypeRegistry, model: RoleModel): RootFields {
  const tableTypes = new TableTypes(types, model)
  const mutationTypes = new MutationTypes(types, tableTypes)
  return collect(add => {
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

type Add = (name: string, config: Config, action: RootField) => void

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

/** Streaming subscriptions can't be asked for over HTTP; they are here because an introspected schema has them. */
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
          Object.fromEntries(selectColumns(table).map(column => [column.name, { type: types.scalar(column.type) }])),
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

function functionArguments(types: TypeRegistry, { definition, sessionArgument }: RoleFunction) {
  const given = definition.arguments.filter(argument => argument.name !== sessionArgument)
  if (given.length === 0) return {}
  const input = types.input(`${definition.name}_args`, '', () =>
    Object.fromEntries(
      given.map(a => [a.name, withHints({ type: types.scalar(a.type) }, { column: a.type, acceptsNull: true })]),
    ),
  )
  const required = given.some(argument => !argument.hasDefault)
  const description = `input parameters for function "${definition.name}"`
  return { args: { type: required ? new GraphQLNonNull(input) : input, description } }
}

function keyIsSelectable(table: RoleTable): boolean {
  const names = new Set(selectColumns(table).map(column => column.name))
  return table.table.primaryKey.length > 0 && table.table.primaryKey.every(name => names.has(name))
}

function collect(fill: (add: Add) => void): RootFields {
  const configs: GraphQLFieldConfigMap<unknown, unknown> = {}
  const actions = new Map<string, RootField>()
  fill((name, config, action) => {
    configs[name] = config
    actions.set(name, action)
  })
  return { configs: sorted(configs), actions }
}
