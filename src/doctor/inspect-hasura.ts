import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import { parse } from 'graphql'
import type { Claims } from '../auth/claims.ts'
import type { HasuraClaims } from '../auth/hasura-claims.ts'
import { Token } from '../auth/token.ts'
import type { TokenSource } from '../auth/token-source.ts'
import { PermanentError, WorkerError } from '../errors.ts'
import { createHasuraClient, type HasuraClient, type RequestOptions } from '../hasura/hasura-client.ts'
import { listNames } from '../names/list-names.ts'
import type { Clock } from '../time/clock.ts'
import { type Finding, fail, failWith, ok, warn } from './check.ts'

/** Queries only the name of the query type, which every role may see. */
const anything: TypedDocumentNode<{ __typename: string }, Record<string, never>> = parse('query Doctor { __typename }')

/** A role that doesn't exist: Hasura refuses it. */
export const unassignedRole = 'hasura-sync-worker-doctor'

/** What no Hasura accepts that verifies tokens. */
const noToken = new Token('not-a-token', Number.POSITIVE_INFINITY)
const noTokens: TokenSource = {
  get: async () => noToken,
  replace: async () => noToken,
  peek: () => undefined,
  drop() {},
}

/**
 * Checks that Hasura responds, accepts the token because it verifies tokens, and receives the role: without a token it may use the role
 * of anybody, and without `x-hasura-role` the default role. Both see other rows than the job's role.
 *
 * @param deps.openClient for a role
 * @param roles of the token
 */
export async function inspectHasura(
  url: string,
  { openClient, clock }: { readonly openClient: (role: string) => HasuraClient; readonly clock: Clock },
  { claims, roles }: { readonly claims: Claims; readonly roles: Pick<HasuraClaims, 'defaultRole' | 'allowedRoles'> },
  signal: AbortSignal,
): Promise<Finding> {
  const { defaultRole } = roles
  try {
    const type = await ask(openClient(defaultRole), { signal })
    if (type !== undefined && type !== 'query_root') {
      return warn(
        `${url} answers, but its query type is ${type}, which is not that of Hasura 2`,
        "check HASURA_URL; if it leads to Hasura DDN (version 3), pulls can't read its API",
      )
    }
    if (await isAnswered(createHasuraClient({ url, role: defaultRole, tokens: noTokens, clock }), signal)) {
      return fail(
        `${url} answers a token that is none, so it verifies no tokens, and every job runs as HASURA_GRAPHQL_UNAUTHORIZED_ROLE, or anybody as any role`,
        'set HASURA_GRAPHQL_ADMIN_SECRET and HASURA_GRAPHQL_JWT_SECRET, and make the proxies in front of Hasura pass the header Authorization; an authentication hook must refuse such a token',
      )
    }
    if (
      roles.allowedRoles.some(role => role !== defaultRole) &&
      (await isAnswered(openClient(unassignedRole), signal))
    ) {
      return fail(
        `${url} answers a role that the token does not have, so x-hasura-role does not arrive and every job runs as "${defaultRole}"`,
        'make the proxies in front of Hasura pass the header x-hasura-role',
      )
    }
    return ok(
      `${url} ${type === undefined ? 'has an allow list without this query, but accepts' : 'answers'} role "${defaultRole}"`,
    )
  } catch (error) {
    if (!(error instanceof WorkerError)) throw error
    const finding = failWith(error, 'check HASURA_URL')
    return error.code === 'invalid-jwt' && !/IssuedAtFuture|NotYetValid|Expired|Authentication hook/.test(error.found)
      ? explainRejection(finding, claims)
      : finding
  }
}

/** @returns the name of the query type; undefined if Hasura accepted token and role, but its allow list lacks the query */
async function ask(hasura: HasuraClient, options: RequestOptions): Promise<string | undefined> {
  try {
    return (await hasura.query(anything, {}, options)).__typename
  } catch (error) {
    if (error instanceof PermanentError && error.code === 'operation-refused') return undefined
    throw error
  }
}

async function isAnswered(hasura: HasuraClient, signal: AbortSignal): Promise<boolean> {
  try {
    await ask(hasura, { signal, givesUpOn: () => true })
    return true
  } catch (error) {
    if (error instanceof WorkerError) return false
    throw error
  }
}

/** Hasura doesn't say what it expects, so the message adds what the token holds. */
function explainRejection({ detail }: Finding, { issuer, payload, algorithm, authorizedParty }: Claims): Finding {
  const audience = listNames([payload.aud].flat().filter(name => typeof name === 'string'))
  const held = `${detail}; the token has the issuer ${issuer} and the audience ${audience}`
  const comparison =
    "compare them with issuer, audience and jwk_url in Hasura's HASURA_GRAPHQL_JWT_SECRET (a role of a client adds that client as audience, as does a mapper: Client scopes → hasura → Mappers → Add mapper → Audience)"
  if (!algorithm?.startsWith('HS')) return fail(held, comparison)
  const client = authorizedParty ?? '…'
  return fail(
    `${held}, and is signed with ${algorithm}, which Hasura verifies only with the key of the identity provider`,
    `set Access token signature algorithm to RS256 under Clients → ${client} → Advanced, or Default signature algorithm under Realm settings → Tokens; if Hasura has that key, ${comparison}`,
  )
}
