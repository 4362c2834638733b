import type { CodegenConfig } from '@graphql-codegen/cli'

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
        skipTypename: true,
        useTypeImports: true,
        // A type that Postgres or its owner made up (an enum, ltree, a domain): never null, and nothing else is known of it.
        defaultScalarType: 'NonNullable<unknown>',
        // What Hasura's JSON holds: digits beyond 2^53 survive only in the text of a page, so JavaScript gets no promise.
        scalars: {
          uuid: 'string',
          timestamptz: 'string',
          timestamp: 'string',
          date: 'string',
          time: 'string',
          timetz: 'string',
          interval: 'string',
          bigint: { input: 'string | number', output: 'string | number' },
          numeric: { input: 'string | number', output: 'string | number' },
          float8: { input: 'string | number', output: 'string | number' },
          smallint: 'number',
          jsonb: 'unknown',
          json: 'unknown',
          bytea: 'string',
          citext: 'string',
        },
      },
    },
  },
}

export default config
