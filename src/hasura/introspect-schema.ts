import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { getIntrospectionQuery, type IntrospectionQuery, parse } from 'graphql'
import { PermanentError, TransientError, type WorkerError } from '../errors.ts'
import type { HasuraClient } from './hasura-client.ts'
import { type SpelledSchema, spellSchema } from './spell-schema.ts'

/**
 * What the client's role sees of the API.
 *
 * @throws PermanentError (`introspection`) where the role may not ask, (`response-shape`) where what it is told is no schema
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
        found: `What Hasura tells role "${hasura.role}" of its schema is not a valid schema (${error instanceof Error ? error.message : error})`,
        remedy: 'look at what stands between the worker and Hasura: a proxy may leave parts of the answer out',
      },
      { cause: error },
    )
  }
}

/** Hasura's own code for it is `not-supported`; a proxy in front may have one that names introspection. */
function isRefusal(error: unknown): error is WorkerError {
  if (error instanceof TransientError) return /^not-supported$|introspection/i.test(error.code)
  return error instanceof PermanentError
}

function explain(role: string, cause: WorkerError): PermanentError {
  return new PermanentError(
    'introspection',
    {
      found: `Role "${role}" is not shown the schema (${cause.found})`,
      remedy:
        "take it out of disabled_for_roles in Hasura's GraphQL introspection options (Console → API → Security), put the introspection query on the API's allow list where it has one, or let it through a proxy in front; or name another role with --role",
    },
    { cause },
  )
}
