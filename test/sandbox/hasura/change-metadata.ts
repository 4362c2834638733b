import {
  type Metadata,
  type SelectPermission,
  type TableMetadata,
  type TableMetadataInput,
  tableMetadataSchema,
} from './metadata-schema.ts'

/** An admin's changes to a running Hasura's metadata. */
export type MetadataChange = (metadata: Metadata) => Metadata

/** Tracks a table or a view, which must exist; if it is already tracked, replaces its metadata. */
export function trackTable(name: string, options: Omit<TableMetadataInput, 'table'> = {}): MetadataChange {
  const tracked = tableMetadataSchema.parse({ ...options, table: { schema: 'public', name } })
  return metadata => {
    const others = metadata.tables.filter(({ table }) => table.name !== name)
    return { ...metadata, tables: [...others, tracked] }
  }
}

export function untrackTable(name: string): MetadataChange {
  return metadata => {
    getTable(metadata, name)
    return { ...metadata, tables: metadata.tables.filter(({ table }) => table.name !== name) }
  }
}

/** A role's permission on a table: columns, row filter, row limit, aggregations; undefined revokes it. */
export function setSelectPermission(
  name: string,
  role: string,
  permission: SelectPermission | undefined,
): MetadataChange {
  return metadata => {
    const { table, ...options } = getTable(metadata, name)
    const others = options.select_permissions.filter(given => given.role !== role)
    const select_permissions = permission === undefined ? others : [...others, { role, permission }]
    return trackTable(table.name, { ...options, select_permissions })(metadata)
  }
}

/** Changes parts of a permission that the role has. */
export function alterSelectPermission(name: string, role: string, changes: Partial<SelectPermission>): MetadataChange {
  return metadata => {
    const given = getTable(metadata, name).select_permissions.find(permission => permission.role === role)
    if (given === undefined) throw new Error(`role "${role}" has no permission to select from "${name}"`)
    return setSelectPermission(name, role, { ...given.permission, ...changes })(metadata)
  }
}

export function setIntrospection(role: string, isAllowed: boolean): MetadataChange {
  return metadata => {
    const others = metadata.introspectionDisabledFor.filter(name => name !== role)
    return { ...metadata, introspectionDisabledFor: isAllowed ? others : [...others, role] }
  }
}

/** Puts the source's queries into a namespace. */
export function setRootNamespace(rootNamespace: string): MetadataChange {
  return metadata => ({ ...metadata, rootNamespace })
}

function getTable(metadata: Metadata, name: string): TableMetadata {
  const table = metadata.tables.find(candidate => candidate.table.name === name)
  if (table === undefined) throw new Error(`table "${name}" is not tracked`)
  return table
}
