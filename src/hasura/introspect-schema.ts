import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import {
  buildClientSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  lexicographicSortSchema,
  parse,
  printSchema,
} from 'graphql'
import { PermanentError, TransientError, type WorkerError } from '../errors.ts'
import type { HasuraClient } from './hasura-client.ts'

/**
 * What the client's role sees of the API, as SDL in an order that doesn't change from one call to the next.
 *
 * @throws PermanentError (`introspection`) where the role may not ask, (`response-shape`) where what it is told is no schema
 */
export async function introspectSchema(hasura: HasuraClient, signal: AbortSignal): Promise<string> {
  const document: TypedDocumentNode<IntrospectionQuery, Record<string, never>> = parse(
    getIntrospectionQuery({ descriptions: false }),
  )
  let introspection: IntrospectionQuery
  try {
    introspection = await hasura.query(document, {}, { signal })
  } catch (error) {
    throw isRefusal(error) ? explain(hasura.role, error) : error
  }
  return printIntrospection(introspection, hasura.role)
}

function printIntrospection(introspection: IntrospectionQuery, role: string): string {
  try {
    return `${printSchema(lexicographicSortSchema(buildClientSchema(introspection)))}\n`
  } catch (error) {
    throw new PermanentError(
      'response-shape',
      {
        found: `What Hasura tells role "${role}" of its schema is no valid schema (${error instanceof Error ? error.message : error})`,
        remedy: 'a proxy may leave parts of it out, or a name in it is not allowed in GraphQL',
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
        "take it out of disabled_for_roles in Hasura's GraphQL introspection options (Console → API → Security), let the query through an allow list or a proxy in front, or name another role with --role",
    },
    { cause },
  )
}
