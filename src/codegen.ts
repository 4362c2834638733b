import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { type DocumentNode, GraphQLError, parse } from 'graphql'
import { findSchemaConflict } from './hasura/find-schema-conflict.ts'
import { typescriptScalars } from './hasura/scalars.ts'

/**
 * The export of a project's `codegen.ts`: generates the types of the operations in `graphql/*.graphql`, from the union of the
 * roles' schemas in `graphql/schema/`, into `src/generated/`. Through these types the compiler checks that a key or a cursor can't be
 * null, so the engine defines the settings.
 *
 * @throws Error with file, line and column for what is no GraphQL, which codegen tells without its file, and for schemas that contradict
 *   each other, of which codegen names neither
 *
 * @example
 * import { codegenSettings } from 'hasura-sync-worker/codegen'
 *
 * export default codegenSettings()
 */
export function codegenSettings() {
  for (const path of listFiles(documentFolder)) parseFile(path)
  const schemas = listFiles(schemaFolder)
  requireAgreement(schemas)
  return {
    // Before the first schema is pulled, there is none to read.
    schema: schemas.length > 0 ? `${schemaFolder}/*.graphql` : 'type Query { nothing: Boolean }',
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

function listFiles(folder: string): readonly string[] {
  const names = existsSync(folder) ? readdirSync(folder).filter(name => name.endsWith('.graphql')) : []
  return names.map(name => `${folder}/${name}`)
}

/** @returns undefined for a file of comments alone, which is none to codegen */
function parseFile(path: string): DocumentNode | undefined {
  const text = readFileSync(path, 'utf8')
  if (/^(?:\s*#[^\n]*(?:\n|$))*\s*$/.test(text)) return undefined
  try {
    return parse(text, { noLocation: true })
  } catch (error) {
    if (!(error instanceof GraphQLError)) throw error
    const [{ line = 1, column = 1 } = {}] = error.locations ?? []
    throw withoutStack(`${path}:${line}:${column}: ${error.message}`)
  }
}

function requireAgreement(paths: readonly string[]): void {
  const files = paths.flatMap(path => {
    const document = parseFile(path)
    return document ? [{ path, document }] : []
  })
  const conflict = findSchemaConflict(files)
  if (!conflict) return
  throw withoutStack(
    `${conflict.paths.join(' and ')} give ${conflict.field} different types (${conflict.types.join(', ')}), so one is out of date: run "npm run -s cli -- schema pull" with --role for both, or delete the one whose role no job has`,
  )
}

/** Codegen prints the stack, which leads nowhere near the mistake. */
function withoutStack(message: string): Error {
  const error = new Error(message)
  error.stack = message
  return error
}
