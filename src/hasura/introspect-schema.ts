import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import {
  buildClientSchema,
  getIntrospectionQuery,
  type IntrospectionQuery,
  lexicographicSortSchema,
  parse,
  printSchema,
} from 'graphql'
import type { HasuraClient } from './hasura-client.ts'

/** What the client's role sees of the API, as SDL in an order that doesn't change from one call to the next. */
export async function introspectSchema(hasura: HasuraClient, signal: AbortSignal): Promise<string> {
  const document: TypedDocumentNode<IntrospectionQuery, Record<string, never>> = parse(
    getIntrospectionQuery({ descriptions: false }),
  )
  const introspection = await hasura.query(document, {}, { signal })
  return `${printSchema(lexicographicSortSchema(buildClientSchema(introspection)))}\n`
}
