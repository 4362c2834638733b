import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { getIntrospectionQuery, type IntrospectionQuery, parse } from 'graphql'
import { PermanentError, TransientError, type WorkerError } from '../errors.ts'
import type { HasuraClient } from './hasura-client.ts'
import { type SpelledSchema, spellSchema } from './spell-schema.ts'

/**
 * Introspects the schema that the client's role sees.
 *
 * @throws PermanentError (`introspection`) when the role may not introspect, (`response-shape`) when the response isn't a schema
 */
export async function introspectSchema(hasura: HasuraClient, signal: AbortSignal): Promise<SpelledSchema> {
  const document: TypedDocumentNode<IntrospectionQuery, Record<string, never>> = parse(
    getIntrospectionQuery({ descriptions: false }),
  )
  let introspection: IntrospectionQuery
  try {
    introspection = await hasura.query(document, {}, { signal })
  } catch (error) {
    throw isRefusal(error) ? explain(hasura.role, error) : error
  }
  try {
    return spellSchema(introspection)
  } catch (error) {
    throw new PermanentError(
      'response-shape',
      {
        found: `The introspected schema of role "${hasura.role}" is not valid (${error instanceof Error ? error.message : error})`,
        remedy: 'check the proxies between the worker and Hasura, which may drop parts of the response',
      },
      { cause: error },
    )
  }
}

/** Hasura's code is `not-supported`; a proxy's may name introspection. */
function isRefusal(error: unknown): error is WorkerError {
  if (error instanceof TransientError) return /^not-supported$|introspection/i.test(error.code)
  return error instanceof PermanentError
}

function explain(role: string, cause: WorkerError): PermanentError {
  return new PermanentError(
    'introspection',
    {
      found: `Role "${role}" may not introspect the schema (${cause.found})`,
      remedy:
        "remove it from disabled_for_roles in Hasura's GraphQL introspection options (Console → API → Security), add the introspection query to the API's allow list if it has one, let it pass a proxy in front, or choose another role with --role",
    },
    { cause },
  )
}
