import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import {
  buildClientSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  lexicographicSortSchema,
  parse,
  printSchema,
} from 'graphql'
import { OutageError, PermanentError, RateLimitedError, TransientError } from '../errors.ts'
import type { HasuraClient } from './hasura-client.ts'

/**
 * What the client's role sees of the API, as SDL in an order that doesn't change from one call to the next.
 *
 * @throws PermanentError (`introspection`) where the role may not ask
 */
export async function introspectSchema(hasura: HasuraClient, signal: AbortSignal): Promise<string> {
  const document: TypedDocumentNode<IntrospectionQuery, Record<string, never>> = parse(
    getIntrospectionQuery({ descriptions: false }),
  )
  try {
    const introspection = await hasura.query(document, {}, { signal })
    return `${printSchema(lexicographicSortSchema(buildClientSchema(introspection)))}\n`
  } catch (error) {
    throw isAnswer(error) ? explain(hasura.role, error) : error
  }
}

/** The API did answer, and not with a schema; Hasura's own code for it is `not-supported`, which others may word otherwise. */
function isAnswer(error: unknown): error is Error {
  if (error instanceof OutageError || error instanceof RateLimitedError) return false
  return error instanceof PermanentError || error instanceof TransientError || isIncomplete(error)
}

/** What buildClientSchema throws for an introspection with a part left out. */
function isIncomplete(error: unknown): boolean {
  return error instanceof Error && error.constructor === Error
}

function explain(role: string, cause: Error): PermanentError {
  return new PermanentError(
    'introspection',
    `Role "${role}" is not shown the schema: take it out of disabled_for_roles in Hasura's GraphQL introspection options (Console → API → Security), let the query through an allow list or a proxy in front, or name another role with --role. Found: ${cause.message}`,
    { cause },
  )
}
