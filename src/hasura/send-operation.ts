import type { DocumentNode } from 'graphql'
import { GraphQLClient } from 'graphql-request'
import type { Token } from '../auth/token.ts'
import { OutageError, PermanentError, TransientError, UnknownOutcomeError, WorkerError } from '../errors.ts'
import { describeNetworkFailure } from '../network-failure.ts'
import type { OperationKind } from './require-operation.ts'
import { roleHeader } from './role-name.ts'

export interface Sendable {
  readonly document: DocumentNode
  readonly variables: Record<string, unknown>
}

/** A response whose body was read to its end. */
export interface Received {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer
  readonly tokenBytes: number
}

/**
 * Sends one operation once. graphql-request prints the document and writes the request; the response is taken before it
 * sees it, because its errors repeat response and variables, and because the text is wanted as it came.
 *
 * The function throws OutageError (`network`: Hasura can't be reached), TransientError (`network`, `timeout`),
 * PermanentError (`too-large`), UnknownOutcomeError for a mutation that may have reached Hasura, or the signal's reason.
 */
export function createSend(deps: { url: string; role: string; fetch: typeof fetch }) {
  return async (
    { document, variables }: Sendable,
    kind: OperationKind,
    token: Token,
    limits: { signal?: AbortSignal; timeoutMs: number; maxBytes: number },
  ): Promise<Received> => {
    limits.signal?.throwIfAborted()
    const timeout = AbortSignal.timeout(limits.timeoutMs)
    const signal = limits.signal ? AbortSignal.any([limits.signal, timeout]) : timeout
    const exchange: { begun: boolean; received?: Received } = { begun: false }
    const client = new GraphQLClient(deps.url, {
      fetch: async (input, init) => {
        exchange.begun = true
        // Redirects aren't followed: a POST would become a GET, and the token would go to who knows where.
        const response = await deps.fetch(input, { ...init, redirect: 'manual', signal })
        exchange.received = {
          status: response.status,
          headers: response.headers,
          body: await readBytes(response, limits.maxBytes),
          tokenBytes: token.value.length,
        }
        return Response.json({ data: null })
      },
    })
    try {
      await client.request(document, variables, {
        authorization: `Bearer ${token.value}`,
        'x-hasura-role': roleHeader(deps.role),
      })
    } catch (error) {
      limits.signal?.throwIfAborted()
      if (error instanceof WorkerError) throw error
      // The error's own words may repeat a variable or a header.
      if (!exchange.begun) throw new TypeError('The operation can not be sent: its variables are not JSON')
      throw translateFailure(error, kind, timeout.aborted)
    }
    if (!exchange.received) throw new TypeError('graphql-request did not use the fetch that it was given')
    return exchange.received
  }
}

/** An answer of any size would take the process down with it. */
async function readBytes(response: Response, maxBytes: number): Promise<Buffer> {
  if (Number(response.headers.get('content-length')) > maxBytes) throw tooLarge(maxBytes)
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > maxBytes) throw tooLarge(maxBytes)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

function tooLarge(maxBytes: number): PermanentError {
  return new PermanentError('too-large', {
    found: `The answer is larger than ${Math.floor(maxBytes / 2 ** 20)} MB`,
    remedy: 'ask for fewer rows or columns',
  })
}

function translateFailure(error: unknown, kind: OperationKind, timedOut: boolean): Error {
  const { words, neverSent, remedy = 'check that it runs and that HASURA_URL is right' } = describeNetworkFailure(error)
  const told = { found: `No answer from Hasura, ${words}`, remedy }
  if (neverSent) return new OutageError('network', 'account', told)
  // One query's answer that comes too late, or breaks off, doesn't say that Hasura serves nobody.
  if (kind === 'query') return new TransientError(timedOut ? 'timeout' : 'network', told)
  return new UnknownOutcomeError({ ...told, found: `The mutation may or may not have been executed. ${told.found}` })
}
