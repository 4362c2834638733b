import { existsSync, readdirSync } from 'node:fs'
import { typescriptScalars } from './hasura/scalars.ts'

/**
 * What a project's `codegen.ts` exports: types of the operations in `graphql/*.graphql`, read against the union of what the
 * roles' schemas in `graphql/schema/` hold, and written to `src/generated/`. That a key or a cursor can't be null is checked by
 * the compiler through these types, so they are the engine's to settle.
 *
 * @example
 * import { codegenSettings } from 'hasura-sync-worker/codegen'
 *
 * export default codegenSettings()
 */
export function codegenSettings() {
  return {
    // Before the first schema was pulled there is nothing to read.
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
          // Names of the API differ by case and underscores alone (`Order` and `order`), so that they are kept as they are.
          namingConvention: 'keep',
          skipTypename: true,
          useTypeImports: true,
          // A type that Postgres or its owner made up (an enum, ltree, a domain): never null, and nothing else is known of it.
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
