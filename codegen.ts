import type { CodegenConfig } from '@graphql-codegen/cli'
import { typescriptScalars } from './src/hasura/scalars.ts'

/** Types of the operations in `graphql/*.graphql`, read against the union of what the roles' schemas hold. */
const config: CodegenConfig = {
  schema: 'graphql/schema/*.graphql',
  documents: 'graphql/*.graphql',
  importExtension: '.ts',
  generates: {
    'src/generated/': {
      preset: 'client',
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

export default config
