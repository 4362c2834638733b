import type { GraphQLFieldConfig, GraphQLFieldConfigMap } from 'graphql'
import { GraphQLNonNull } from 'graphql'
import { withHints } from './input-hints.ts'
import type { RoleFunction, RoleTable } from './role-model.ts'
import { selectColumns, sorted } from './table-types.ts'
import type { TypeRegistry } from './type-registry.ts'

/** The implementation of a root field: the schema says how it may be queried, this what to do then. */
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

export type Add = (name: string, config: Config, action: RootField) => void

export function functionArguments(types: TypeRegistry, { definition, sessionArgument }: RoleFunction) {
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

export function keyIsSelectable(table: RoleTable): boolean {
  const names = new Set(selectColumns(table).map(column => column.name))
  return table.table.primaryKey.length > 0 && table.table.primaryKey.every(name => names.has(name))
}

export function collectRootFields(fill: (add: Add) => void): RootFields {
  const configs: GraphQLFieldConfigMap<unknown, unknown> = {}
  const actions = new Map<string, RootField>()
  fill((name, config, action) => {
    configs[name] = config
    actions.set(name, action)
  })
  return { configs: sorted(configs), actions }
}
