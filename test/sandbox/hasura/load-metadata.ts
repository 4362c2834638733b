import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parse } from 'yaml'
import { databasesSchema, introspectionSchema, type Metadata, versionSchema } from './metadata-schema.ts'

/** Reads a metadata directory as Hasura's command line writes it (`config v3`). */
export function loadMetadata(directory: string): Metadata {
  versionSchema.parse(readYaml(join(directory, 'version.yaml')))
  const [database] = databasesSchema.parse(readYaml(join(directory, 'databases/databases.yaml')))
  const introspection = join(directory, 'graphql_schema_introspection.yaml')
  const { prefix, suffix } = database.customization?.type_names ?? {}
  return {
    tables: database.tables,
    functions: database.functions,
    introspectionDisabledFor: existsSync(introspection)
      ? introspectionSchema.parse(readYaml(introspection)).disabled_for_roles
      : [],
    typeNames: { prefix: prefix ?? '', suffix: suffix ?? '' },
  }
}

function readYaml(file: string): unknown {
  return include(parse(readFileSync(file, 'utf8')), dirname(file))
}

/** Hasura writes includes as plain strings: `"!include public_users.yaml"`, relative to the file they stand in. */
function include(value: unknown, directory: string): unknown {
  if (typeof value === 'string' && value.startsWith('!include ')) {
    return readYaml(join(directory, value.slice('!include '.length)))
  }
  if (Array.isArray(value)) return value.map(item => include(item, directory))
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, include(item, directory)]))
  }
  return value
}
