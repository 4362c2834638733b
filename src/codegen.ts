import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { GraphQLError, parse } from 'graphql'
import { typescriptScalars } from './hasura/scalars.ts'

/**
 * The export of a project's `codegen.ts`: generates the types of the operations in `graphql/*.graphql`, from the union of the
 * roles' schemas in `graphql/schema/`, into `src/generated/`. Through these types the compiler checks that a key or a cursor can't be
 * null, so the engine defines the settings.
 *
 * @throws Error with file, line and column for an operation that is no GraphQL, which codegen tells without its file
 *
 * @example
 * import { codegenSettings } from 'hasura-sync-worker/codegen'
 *
 * export default codegenSettings()
 */
export function codegenSettings() {
  checkSyntax()
  return {
    // Before the first schema is pulled, there is none to read.
    schema: hasSchemas() ? `${schemaFolder}/*.graphql` : 'type Query { nothing: Boolean }',
    documents: `${documentFolder}/*.graphql`,
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

const documentFolder = 'graphql'
const schemaFolder = `${documentFolder}/schema`

function hasSchemas(): boolean {
  return existsSync(schemaFolder) && readdirSync(schemaFolder).some(name => name.endsWith('.graphql'))
}

function checkSyntax(): void {
  const names = existsSync(documentFolder) ? readdirSync(documentFolder).filter(name => name.endsWith('.graphql')) : []
  for (const name of names) {
    const text = readFileSync(`${documentFolder}/${name}`, 'utf8')
    // A file of comments alone is none to codegen.
    if (/^(?:\s*#[^\n]*(?:\n|$))*\s*$/.test(text)) continue
    try {
      parse(text, { noLocation: true })
    } catch (error) {
      if (!(error instanceof GraphQLError)) throw error
      const [{ line = 1, column = 1 } = {}] = error.locations ?? []
      const told = new Error(`${documentFolder}/${name}:${line}:${column}: ${error.message}`)
      // Codegen prints the stack, which leads nowhere near the mistake.
      told.stack = told.message
      throw told
    }
  }
}
