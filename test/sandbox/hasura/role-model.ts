import type { GraphQLSchema } from 'graphql'
import type { Catalog, Column, SqlFunction, Table } from './catalog.ts'
import type { FunctionMetadata, Metadata, TableMetadata, TypeNames } from './metadata-schema.ts'
import { renameTable } from './rename-table.ts'

export interface Relationship {
  readonly name: string
  readonly kind: 'object' | 'array'
  readonly target: string
  /** Pairs of a column here and the column there that must be equal. */
  readonly mapping: readonly (readonly [string, string])[]
  readonly nullable: boolean
}

/** A permission's boolean expression as the metadata has it; compiled when it is used. */
export type Filter = Readonly<Record<string, unknown>>

export interface RoleTable {
  readonly table: Table
  /** All relationships of the table: a permission may go through ones that the role can't select. */
  readonly relationships: ReadonlyMap<string, Relationship>
  readonly select?: { columns: readonly Column[]; filter: Filter; limit?: number; aggregations: boolean }
  readonly insert?: { columns: readonly Column[]; check: Filter; presets: Filter }
  readonly update?: { columns: readonly Column[]; filter: Filter; check: Filter | null; presets: Filter }
  readonly delete?: { filter: Filter }
}

export interface RoleFunction {
  readonly definition: SqlFunction
  readonly exposedAs: 'query' | 'mutation'
  readonly sessionArgument?: string
}

/** All permissions of one role. */
export interface RoleModel {
  readonly role: string
  readonly tables: ReadonlyMap<string, RoleTable>
  readonly functions: readonly RoleFunction[]
  readonly introspection: boolean
  /** In which the source's queries are. */
  readonly rootNamespace?: string
  /** See Metadata. */
  readonly shown?: GraphQLSchema | undefined
  readonly typeNames?: TypeNames | undefined
}

export function buildRoleModel(role: string, metadata: Metadata, catalog: Catalog): RoleModel {
  const tables = new Map(metadata.tables.map(m => [m.table.name, buildRoleTable(role, m, catalog)]))
  return {
    role,
    tables,
    functions: metadata.functions.flatMap(f => buildRoleFunction(role, f, catalog, tables)),
    introspection: !metadata.introspectionDisabledFor.includes(role),
    ...(metadata.rootNamespace !== undefined && { rootNamespace: metadata.rootNamespace }),
    shown: metadata.shown?.get(role),
    typeNames: metadata.typeNames,
  }
}

function buildRoleTable(role: string, metadata: TableMetadata, catalog: Catalog): RoleTable {
  const table = renameTable(getTable(catalog, metadata.table.name), metadata.configuration)
  const columns = (names: '*' | readonly string[]) => {
    if (names === '*') return [...table.columns.values()]
    return names.map(name => getSqlColumn(table, name))
  }
  const own = <T>(permissions: readonly { role: string; permission: T }[]) =>
    permissions.find(permission => permission.role === role)?.permission
  const select = own(metadata.select_permissions)
  const insert = own(metadata.insert_permissions)
  const update = own(metadata.update_permissions)
  const remove = own(metadata.delete_permissions)
  const writable = (names: '*' | readonly string[], presets: Filter) =>
    columns(names).filter(column => !(column.name in presets))
  return {
    table,
    relationships: buildRelationships(metadata, table, catalog),
    ...(select && {
      select: {
        columns: columns(select.columns),
        filter: select.filter,
        aggregations: select.allow_aggregations,
        ...(select.limit !== undefined && { limit: select.limit }),
      },
    }),
    ...(insert && {
      insert: {
        columns: writable(insert.columns, insert.set ?? {}),
        check: insert.check,
        presets: insert.set ?? {},
      },
    }),
    ...(update && {
      update: {
        columns: writable(update.columns, update.set ?? {}),
        filter: update.filter,
        check: update.check,
        presets: update.set ?? {},
      },
    }),
    ...(remove && { delete: { filter: remove.filter } }),
  }
}

function buildRelationships(metadata: TableMetadata, table: Table, catalog: Catalog): Map<string, Relationship> {
  const relationships = new Map<string, Relationship>()
  for (const { name, using } of metadata.object_relationships) {
    const column = using.foreign_key_constraint_on
    const key = getForeignKey(table, column)
    const mapping = key.columns.map((local, i) => [local, key.targetColumns[i] ?? ''] as const)
    const nullable = key.columns.some(local => getColumn(table, local).nullable)
    relationships.set(name, { name, kind: 'object', target: key.target, mapping, nullable })
  }
  for (const { name, using } of metadata.array_relationships) {
    if ('manual_configuration' in using) {
      const { column_mapping, remote_table } = using.manual_configuration
      const mapping = Object.entries(column_mapping)
      relationships.set(name, { name, kind: 'array', target: remote_table.name, mapping, nullable: false })
      continue
    }
    const { column, table: target } = using.foreign_key_constraint_on
    const key = getForeignKey(getTable(catalog, target.name), column)
    const mapping = key.columns.map((remote, i) => [key.targetColumns[i] ?? '', remote] as const)
    relationships.set(name, { name, kind: 'array', target: target.name, mapping, nullable: false })
  }
  return relationships
}

function buildRoleFunction(
  role: string,
  metadata: FunctionMetadata,
  catalog: Catalog,
  tables: ReadonlyMap<string, RoleTable>,
): RoleFunction[] {
  const definition = catalog.functions.get(metadata.function.name)
  if (definition === undefined) throw new Error(`function "${metadata.function.name}" is in the metadata only`)
  const { exposed_as: exposedAs, session_argument: sessionArgument } = metadata.configuration
  const selectable = tables.get(definition.returns)?.select !== undefined
  const listed = metadata.permissions.some(permission => permission.role === role)
  // Hasura infers who may call a function that only reads; one that writes needs to be granted.
  const granted = exposedAs === 'mutation' ? listed : listed || metadata.permissions.length === 0
  if (!selectable || !granted) return []
  return [{ definition, exposedAs, ...(sessionArgument !== undefined && { sessionArgument }) }]
}

export function getRoleTable(model: RoleModel, name: string): RoleTable {
  const table = model.tables.get(name)
  if (table === undefined) throw new Error(`table "${name}" is not tracked`)
  return table
}

export function getColumn(table: Table, name: string): Column {
  const column = table.columns.get(name)
  if (column === undefined) throw new Error(`column "${name}" does not exist in table "${table.name}"`)
  return column
}

/** By the name that the metadata uses. */
export function getSqlColumn(table: Table, name: string): Column {
  const column = [...table.columns.values()].find(candidate => candidate.sqlName === name)
  if (column === undefined) throw new Error(`column "${name}" does not exist in table "${table.name}"`)
  return column
}

function getTable(catalog: Catalog, name: string): Table {
  const table = catalog.tables.get(name)
  if (table === undefined) throw new Error(`table "${name}" is in the metadata only`)
  return table
}

function getForeignKey(table: Table, column: string) {
  const key = table.foreignKeys.find(({ columns }) => columns.includes(column))
  if (key === undefined) throw new Error(`column "${column}" of "${table.name}" has no foreign key`)
  return key
}
