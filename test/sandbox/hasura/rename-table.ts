import type { Table } from './catalog.ts'
import type { TableMetadata } from './metadata-schema.ts'
import { identifier } from './sql-builder.ts'

/**
 * A table by the names that the metadata gives it and its columns. Columns are renamed where rows are read, so that
 * no later step knows both names; `loadMetadata` refuses them for tables that are written or have relationships.
 */
export function renameTable(table: Table, { custom_name, column_config }: TableMetadata['configuration']): Table {
  const name = custom_name ?? table.name
  const nameOf = (column: string) => column_config[column]?.custom_name ?? column
  const unknown = Object.keys(column_config).filter(column => !table.columns.has(column))
  if (unknown.length > 0) throw new Error(`column "${unknown[0]}" does not exist in table "${table.name}"`)
  if (Object.keys(column_config).length === 0) return { ...table, name }
  const columns = [...table.columns.values()].map(column => ({ ...column, name: nameOf(column.name) }))
  const list = columns.map(column => `${identifier(column.sqlName)} AS ${identifier(column.name)}`)
  return {
    ...table,
    name,
    source: `(SELECT ${list.join(', ')} FROM ${table.source})`,
    columns: new Map(columns.map(column => [column.name, column])),
    primaryKey: table.primaryKey.map(nameOf),
    uniqueConstraints: table.uniqueConstraints.map(({ name, columns }) => ({ name, columns: columns.map(nameOf) })),
  }
}
