import type { DocumentNode } from 'graphql'
import { GraphQLClient } from 'graphql-request'
import type { Token } from '../auth/token.ts'
import { OutageError, PermanentError, TransientError } from '../errors.ts'
import { describeNetworkFailure } from '../failures/network-failure.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import { type Answer, exchange } from '../outgoing/exchange.ts'
import { unknownOutcome } from './interpret-foreign.ts'
import type { DocumentKind } from './require-document.ts'
import { roleHeader } from './role-name.ts'

export interface Sendable {
  readonly document: DocumentNode
  readonly variables: Record<string, unknown>
}

export interface Received extends Answer {
  readonly tokenBytes: number
}

/**
 * Creates a function that sends one operation once. graphql-request prints the document and writes the request. The response is captured
 * before graphql-request sees it, because its errors quote response and variables, and because the original text is needed.
 *
 * The function throws OutageError (`network`: Hasura can't be reached), TransientError (`network`, `timeout`),
 * PermanentError (`too-large`, `variables`), UnknownOutcomeError for a mutation that may have reached Hasura, or the signal's reason.
 */
export function createSend(deps: { url: string; role: string }) {
  return async (
    { document, variables }: Sendable,
    kind: DocumentKind,
    token: Token,
    limits: { signal?: AbortSignal; timeoutMs: number; maxBytes: number },
    trace?: TraceHeaders,
  ): Promise<Received> => {
    limits.signal?.throwIfAborted()
    const sent: { begun: boolean; received?: Received } = { begun: false }
    const client = new GraphQLClient(deps.url, {
      fetch: async (_url, outgoing = {}) => {
        sent.begun = true
        const answer = await exchange(deps.url, outgoing, { ...limits, ifTooLarge })
        sent.received = { ...answer, tokenBytes: token.value.length }
        return Response.json({ data: null })
      },
    })
    try {
      await client.request(document, variables, {
        authorization: `Bearer ${token.value}`,
        'x-hasura-role': roleHeader(deps.role),
        ...trace,
      })
    } catch (error) {
      limits.signal?.throwIfAborted()
      // The error's own message may quote a variable or a header.
      if (!sent.begun) {
        throw new PermanentError('variables', {
          found: 'The operation was not sent, because its variables cannot be written as JSON',
          remedy: 'pass a BigInt as text, and no object that contains itself',
        })
      }
      throw translateFailure(error, kind)
    }
    if (!sent.received) throw new TypeError('graphql-request did not use the given fetch')
    return sent.received
  }
}

const ifTooLarge = 'query fewer rows or columns'

function translateFailure(error: unknown, kind: DocumentKind): Error {
  if (error instanceof PermanentError) return kind === 'query' ? error : unknownOutcome(error)
  const {
    words,
    neverSent,
    isTimeout,
    remedy = 'check that Hasura runs and that HASURA_URL is correct',
  } = describeNetworkFailure(error)
  const told = { found: `No response from Hasura, ${words}`, remedy }
  if (neverSent) return new OutageError('network', 'account', told)
  // A late or cut-off response to one query doesn't mean that Hasura is down.
  if (kind === 'query') return new TransientError(isTimeout ? 'timeout' : 'network', told)
  return unknownOutcome(told)
}
