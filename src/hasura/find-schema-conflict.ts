import { type DocumentNode, Kind, print, type TypeNode } from 'graphql'

/** A file that has the SDL of one role. */
export interface SchemaFile {
  readonly path: string
  readonly document: DocumentNode
}

/** A field to which two files give different types. */
export interface SchemaConflict {
  /** `users.id` */
  readonly field: string
  readonly paths: readonly [string, string]
  readonly types: readonly [string, string]
}

/**
 * Finds the first field to which the schemas of two roles give different types. All roles see the same type of a field, except that it may
 * be nullable for some, so one of the files is older than the API's last change.
 */
export function findSchemaConflict(files: readonly SchemaFile[]): SchemaConflict | undefined {
  const seen = new Map<string, { readonly path: string; readonly type: string }>()
  for (const { path, document } of files) {
    for (const { field, type } of document.definitions.flatMap(fieldsOf)) {
      const other = seen.get(field)
      if (other && other.type !== type) return { field, paths: [other.path, path], types: [other.type, type] }
      seen.set(field, { path, type })
    }
  }
  return undefined
}

function fieldsOf(
  definition: DocumentNode['definitions'][number],
): { readonly field: string; readonly type: string }[] {
  switch (definition.kind) {
    case Kind.OBJECT_TYPE_DEFINITION:
    case Kind.INTERFACE_TYPE_DEFINITION:
    case Kind.INPUT_OBJECT_TYPE_DEFINITION:
      return (definition.fields ?? []).map(({ name, type }) => ({
        field: `${definition.name.value}.${name.value}`,
        type: ignoreNulls(type),
      }))
    default:
      return []
  }
}

function ignoreNulls(type: TypeNode): string {
  return print(type).replaceAll('!', '')
}
