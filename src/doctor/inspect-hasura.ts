import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import type { Claims } from '../auth/claims.ts'
import { WorkerError } from '../errors.ts'
import type { HasuraClient } from '../hasura/hasura-client.ts'
import { listNames } from '../names/list-names.ts'
import { type Finding, fail, failWith, ok, warn } from './check.ts'

/** Queries only the name of the query type, which every role may see. */
const anything: TypedDocumentNode<{ __typename: string }, Record<string, never>> = parse('query Doctor { __typename }')

/** Whether Hasura is there and takes the token. */
export async function inspectHasura(
  url: string,
  hasura: HasuraClient,
  claims: Claims,
  signal: AbortSignal,
): Promise<Finding> {
  try {
    const { __typename } = await hasura.query(anything, {}, { signal })
    if (__typename === 'query_root') return ok(`${url} answers role "${hasura.role}"`)
    return warn(`${url} answers, but its query type is ${__typename}, which is not Hasura's`, 'check HASURA_URL')
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    const finding = failWith(error, 'check HASURA_URL')
    return error.code === 'invalid-jwt' && !/IssuedAtFuture|NotYetValid|Expired/.test(error.found)
      ? explainRejection(finding, claims)
      : finding
  }
}

/** Hasura doesn't say what it expects, so the message adds what the token holds. */
function explainRejection({ detail }: Finding, { issuer, payload }: Claims): Finding {
  const audience = listNames([payload.aud].flat().filter(name => typeof name === 'string'))
  return fail(
    `${detail}; the token has the issuer ${issuer} and the audience ${audience}`,
    "compare them with issuer, audience and jwk_url in Hasura's HASURA_GRAPHQL_JWT_SECRET (a role of a client adds that client as audience, as does a mapper: Client scopes → hasura → Mappers → Add mapper → Audience)",
  )
}
