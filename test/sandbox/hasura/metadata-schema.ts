import type { GraphQLSchema } from 'graphql'
import { z } from 'zod'

// The part of Hasura's metadata v3 that the sandbox understands. Strict: a key it doesn't know is a mistake here, since
// a permission that is silently ignored would make every test that relies on it worthless.

const columns = z.union([z.literal('*'), z.array(z.string())])
const boolExp = z.record(z.string(), z.unknown())
const presets = z.record(z.string(), z.unknown()).optional()
const qualified = z.strictObject({ schema: z.literal('public'), name: z.string() })

const permission = <T extends z.ZodType>(shape: T) =>
  z.array(z.strictObject({ role: z.string(), permission: shape, comment: z.string().optional() })).default([])

const objectRelationship = z.strictObject({
  name: z.string(),
  using: z.strictObject({ foreign_key_constraint_on: z.string() }),
})

const arrayRelationship = z.strictObject({
  name: z.string(),
  using: z.union([
    z.strictObject({ foreign_key_constraint_on: z.strictObject({ column: z.string(), table: qualified }) }),
    z.strictObject({
      manual_configuration: z.strictObject({
        column_mapping: z.record(z.string(), z.string()),
        insertion_order: z.null().optional(),
        remote_table: qualified,
      }),
    }),
  ]),
})

const selectPermission = z.strictObject({
  columns,
  filter: boolExp,
  limit: z.number().int().positive().optional(),
  allow_aggregations: z.boolean().default(false),
})

/** What the schema shows that a role sees. */
const customNames = z.record(z.string(), z.unknown()).nullish()

const tableConfiguration = z.strictObject({
  custom_name: z.string().optional(),
  custom_root_fields: customNames,
  column_config: z.record(z.string(), z.strictObject({ custom_name: z.string() })).default({}),
})

export const tableMetadataSchema = z
  .strictObject({
    table: qualified,
    configuration: tableConfiguration.default({ column_config: {} }),
    object_relationships: z.array(objectRelationship).default([]),
    array_relationships: z.array(arrayRelationship).default([]),
    select_permissions: permission(selectPermission),
    insert_permissions: permission(z.strictObject({ columns, check: boolExp, set: presets })),
    update_permissions: permission(
      z.strictObject({ columns, filter: boolExp, check: boolExp.nullable().default(null), set: presets }),
    ),
    delete_permissions: permission(z.strictObject({ filter: boolExp })),
  })
  .refine(table => Object.keys(table.configuration.column_config).length === 0 || isOnlyRead(table), {
    error: 'the sandbox knows other names of columns only in tables that are neither written nor related to others',
  })

const functionMetadataSchema = z.strictObject({
  function: qualified,
  configuration: z
    .strictObject({
      exposed_as: z.enum(['query', 'mutation']).default('query'),
      session_argument: z.string().optional(),
      custom_root_fields: customNames,
    })
    .default({ exposed_as: 'query' }),
  permissions: z.array(z.strictObject({ role: z.string() })).default([]),
})

export const databasesSchema = z.tuple([
  z.object({
    name: z.string(),
    kind: z.literal('postgres'),
    customization: z
      .strictObject({
        naming_convention: z.string().nullish(),
        root_fields: customNames,
        type_names: z.strictObject({ prefix: z.string().nullish(), suffix: z.string().nullish() }).nullish(),
      })
      .nullish(),
    tables: z.array(tableMetadataSchema),
    functions: z.array(functionMetadataSchema).default([]),
  }),
])

export const versionSchema = z.strictObject({ version: z.literal(3) })

export const introspectionSchema = z.strictObject({ disabled_for_roles: z.array(z.string()) })

export type TableMetadata = z.infer<typeof tableMetadataSchema>
/** As written, without defaults. */
export type TableMetadataInput = z.input<typeof tableMetadataSchema>
export type SelectPermission = z.input<typeof selectPermission>
export type FunctionMetadata = z.infer<typeof functionMetadataSchema>

export interface TypeNames {
  readonly prefix: string
  readonly suffix: string
}

export interface Metadata {
  readonly tables: readonly TableMetadata[]
  readonly functions: readonly FunctionMetadata[]
  readonly introspectionDisabledFor: readonly string[]
  /** `customization.root_fields.namespace` of the source, for its queries: nothing here writes or subscribes in one. */
  readonly rootNamespace?: string
  /** By role, the schema whose names it sees; default: Hasura's default names. */
  readonly shown?: ReadonlyMap<string, GraphQLSchema>
  /** Around the name of its table, in the type of a row that is shown. */
  readonly typeNames?: TypeNames
}

function isOnlyRead(
  table: {
    readonly [K in
      | 'object_relationships'
      | 'array_relationships'
      | `${'insert' | 'update' | 'delete'}_permissions`]: readonly unknown[]
  },
): boolean {
  const { object_relationships, array_relationships, insert_permissions, update_permissions, delete_permissions } =
    table
  return [object_relationships, array_relationships, insert_permissions, update_permissions, delete_permissions].every(
    list => list.length === 0,
  )
}
