import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { getIntrospectionQuery, type IntrospectionQuery, parse } from 'graphql'
import { messageOf, PermanentError, TransientError, type WorkerError } from '../errors.ts'
import type { HasuraClient, RequestOptions } from './hasura-client.ts'
import { type SpelledSchema, spellSchema } from './spell-schema.ts'

/** The query that introspects a schema. */
export const introspectionDocument: TypedDocumentNode<IntrospectionQuery, Record<string, never>> = parse(
  getIntrospectionQuery({ descriptions: false }),
)

/**
 * Introspects the schema that the client's role sees.
 *
 * @throws PermanentError (`introspection`) when the role may not introspect, (`response-shape`) when the response isn't a schema; as
 *   `query`
 */
export async function introspectSchema(hasura: HasuraClient, signal: AbortSignal): Promise<SpelledSchema> {
  let answer: IntrospectionQuery
  try {
    answer = await hasura.query(introspectionDocument, {}, { signal, ...patiently })
  } catch (error) {
    if (isRefusal(error)) throw refused(hasura.role, error)
    throw error instanceof PermanentError && error.code === 'too-large' ? tooLarge(hasura.role, error) : error
  }
  try {
    return spellSchema(answer)
  } catch (error) {
    throw new PermanentError(
      'response-shape',
      {
        found: `The introspected schema of role "${hasura.role}" is not valid (${messageOf(error)})`,
        remedy: 'check the proxies between the worker and Hasura, which may drop parts of the response',
      },
      { cause: error },
    )
  }
}

/** The schema of an API with thousands of tables takes minutes, and a person waits for it. */
const patiently: RequestOptions = { timeoutMs: 300_000, givesUpOn: ({ code }) => code === 'timeout' }

/** Hasura's code is `not-supported`, or `operation-refused` with an allow list; a proxy's may name introspection. */
function isRefusal(error: unknown): error is WorkerError {
  if (!(error instanceof TransientError || error instanceof PermanentError)) return false
  return refusals.has(error.code) || /introspection/i.test(error.code)
}

const refusals: ReadonlySet<string> = new Set([
  'not-supported',
  'operation-refused',
  'validation-failed',
  'access-denied',
])

function refused(role: string, cause: WorkerError): PermanentError {
  return new PermanentError(
    'introspection',
    {
      found: `Role "${role}" may not introspect the schema (${cause.found})`,
      remedy:
        "remove it from disabled_for_roles in Hasura's GraphQL introspection options (Console → API → Security), if the API has an allow list, add the introspection query to it (npm run -s cli -- schema operations --introspection), let it pass a proxy in front, or choose another role with --role",
    },
    { cause },
  )
}

function tooLarge(role: string, cause: PermanentError): PermanentError {
  return new PermanentError(
    cause.code,
    { found: cause.found, remedy: `let role "${role}" see fewer tables, or choose another role` },
    { cause },
  )
}
