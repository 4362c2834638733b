import { existsSync, readdirSync } from 'node:fs'
import { typescriptScalars } from './hasura/scalars.ts'

/**
 * The export of a project's `codegen.ts`: generates the types of the operations in `graphql/*.graphql`, from the union of the
 * roles' schemas in `graphql/schema/`, into `src/generated/`. Through these types the compiler checks that a key or a cursor can't be
 * null, so the engine defines the settings.
 *
 * @example
 * import { codegenSettings } from 'hasura-sync-worker/codegen'
 *
 * export default codegenSettings()
 */
export function codegenSettings() {
  return {
    // Before the first schema is pulled, there is none to read.
    schema: hasSchemas() ? `${schemaFolder}/*.graphql` : 'type Query { nothing: Boolean }',
    documents: 'graphql/*.graphql',
    ignoreNoDocuments: true,
    importExtension: '.ts' as const,
    generates: {
      'src/generated/': {
        preset: 'client' as const,
        presetConfig: { fragmentMasking: false },
        config: {
          enumsAsTypes: true,
          // Some names of the API differ only in case and underscores (`Order` and `order`), so names are kept unchanged.
          namingConvention: 'keep',
          skipTypename: true,
          useTypeImports: true,
          // Any other type of Postgres or its user (an enum, ltree, a domain): only known not to be null.
          defaultScalarType: 'NonNullable<unknown>',
          scalars: typescriptScalars(),
        },
      },
    },
  }
}

const schemaFolder = 'graphql/schema'

function hasSchemas(): boolean {
  return existsSync(schemaFolder) && readdirSync(schemaFolder).some(name => name.endsWith('.graphql'))
}
