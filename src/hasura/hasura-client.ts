import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { TokenSource } from '../auth/token-source.ts'
import { type Sending, type Tried, type TryDeps, tryUntilKnown } from '../auth/try-until-known.ts'
import { OutageError, RateLimitedError, TransientError, WorkerError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { Slots } from '../outgoing/slots.ts'
import type { Clock } from '../time/clock.ts'
import type { KnownSecrets } from '../words/known-secrets.ts'
import { interpretResponse, type Verdict } from './interpret-response.ts'
import { interpretRows } from './interpret-rows.ts'
import { type DocumentKind, requireDocument } from './require-document.ts'
import type { Rows } from './rows.ts'
import { createSend, type Received, type Sendable } from './send-document.ts'

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** For one try with its whole answer; default that of the client. */
  readonly timeoutMs?: number
  /** Of the answer, without its compression; default 256 MB. A larger one is a PermanentError (`too-large`). */
  readonly maxBytes?: number
  /** Failures that the caller answers with another query, instead of the same one being sent again. */
  readonly givesUpOn?: (error: TransientError) => boolean
}

export interface RowsResult extends Rows {
  /** How long the answer was, in bytes. */
  readonly length: number
  /** Hasura's time when it answered (the `Date` header, whole seconds), in milliseconds since 1970. */
  readonly serverDate: number | undefined
}

/**
 * One role's view of one Hasura endpoint.
 *
 * @example
 * import type { HasuraClient } from 'hasura-sync-worker'
 * import { FindUserDocument } from '../generated/graphql.ts'
 *
 * export const findUser = (hasura: HasuraClient, id: string, signal: AbortSignal) =>
 *   hasura.query(FindUserDocument, { id }, { signal })
 */
export interface HasuraClient {
  readonly role: string
  /**
   * Runs a query; a transient failure is tried again after 1, 2 and 4 seconds.
   *
   * @throws PermanentError (its code is Hasura's), OutageError when nobody is served, TransientError, RateLimitedError,
   *   what the token source throws, the signal's reason; TypeError when the document isn't one query
   */
  query<R, V extends Record<string, unknown>>(
    document: TypedDocumentNode<R, V>,
    variables: V,
    options?: RequestOptions,
  ): Promise<R>
  /**
   * Runs a mutation; it is sent again only where it can't have been executed.
   *
   * @throws as `query`, and UnknownOutcomeError when it may have been executed
   */
  mutate<R, V extends Record<string, unknown>>(
    document: TypedDocumentNode<R, V>,
    variables: V,
    options?: RequestOptions,
  ): Promise<R>
  /**
   * As `query`, for one list of rows whose values are wanted as they came.
   *
   * @param place of the list in `data`: `users`, or `north.users` where it is in a namespace
   * @throws PermanentError (`response-shape`) when there is none
   */
  queryRows<R, V extends Record<string, unknown>>(
    document: TypedDocumentNode<R, V>,
    variables: V,
    place: string,
    options?: RequestOptions,
  ): Promise<RowsResult>
}

const largestAnswerBytes = 256 * 2 ** 20

/**
 * @param deps.url the GraphQL endpoint, complete
 * @param deps.role sent as `x-hasura-role` with every request
 * @param deps.timeoutMs for one try with its whole answer; default 30 seconds
 */
export function createHasuraClient(deps: {
  url: string
  role: string
  tokens: TokenSource
  clock: Clock
  timeoutMs?: number
  /** Shared by all clients of an account; default no limit. */
  slots?: Slots
  /** Taken out of Hasura's words; the token is in any case. */
  secrets?: KnownSecrets
  log?: Log
  tell?: TryDeps['tell']
}): HasuraClient {
  const { role, tokens, clock, slots = work => work() } = deps
  const sendOnce = createSend({ url: deps.url, role })

  /** A mutation is tried again only with another token, or after a pause: a failed one may have been executed. */
  function ask<D>(
    operation: Sendable,
    kind: DocumentKind,
    { signal, timeoutMs = deps.timeoutMs ?? 30_000, maxBytes = largestAnswerBytes, givesUpOn }: RequestOptions,
    interpret: (received: Answer) => Verdict<D>,
  ): Promise<Executed<D>> {
    async function send(sending: Sending): Promise<Tried<Executed<D>>> {
      const token = await tokens.get(signal)
      const received = await slots(() =>
        sending(() => sendOnce(operation, kind, token, { timeoutMs, maxBytes, ...(signal && { signal }) })),
      )
      const verdict = interpret({ ...received, secrets: [token.value, ...(deps.secrets?.all() ?? [])] })
      if (verdict.kind !== 'data') return { token, verdict }
      return { token, verdict: { kind: 'done', value: { data: verdict.data, received } } }
    }
    return tryUntilKnown(deps, signal, {
      operation: kind,
      tryOnce: (_, sending) => send(sending).catch(failed),
      pause: ms => clock.sleep(ms, signal),
      isWorthAnotherTry: error => kind === 'query' && mayPass(error) && !givesUpOn?.(error),
      explainRejection: rejectedTwice,
      explainPause: ms => `Hasura asks for a pause of ${ms / 1_000} s`,
    })
  }

  const interpretAs = (kind: DocumentKind) => (received: Answer) => interpretResponse(received, kind, role, clock.now())

  return {
    role,
    async query<R, V extends Record<string, unknown>>(
      document: TypedDocumentNode<R, V>,
      variables: V,
      options: RequestOptions = {},
    ) {
      requireDocument(document, 'query')
      return dataOf<R>(await ask({ document, variables }, 'query', options, interpretAs('query')))
    },
    async mutate<R, V extends Record<string, unknown>>(
      document: TypedDocumentNode<R, V>,
      variables: V,
      options: RequestOptions = {},
    ) {
      requireDocument(document, 'mutation')
      return dataOf<R>(await ask({ document, variables }, 'mutation', options, interpretAs('mutation')))
    },
    async queryRows<R, V extends Record<string, unknown>>(
      document: TypedDocumentNode<R, V>,
      variables: V,
      place: string,
      options: RequestOptions = {},
    ) {
      requireDocument(document, 'query')
      const { data, received } = await ask({ document, variables }, 'query', options, answer =>
        interpretRows(answer, place, role, clock.now()),
      )
      const serverDate = Date.parse(received.headers.get('date') ?? '')
      return {
        ...data,
        length: received.body.length,
        serverDate: Number.isNaN(serverDate) ? undefined : serverDate,
      }
    },
  }
}

/** With what is taken out of its words. */
type Answer = Received & { readonly secrets: readonly string[] }

interface Executed<D = unknown> {
  readonly data: D
  readonly received: Received
}

/**
 * The one place where an answer gets its type without being looked at: Hasura has checked the operation against the
 * schema that the document's type was generated from, and looking at every row would cost more than reading it.
 */
function dataOf<R>(executed: Executed): R {
  return executed.data as R
}

/** No token, or no answer. */
function failed(error: unknown): Tried<never> {
  if (error instanceof WorkerError) return { verdict: { kind: 'error', error } }
  throw error
}

/** A limit that outlasts its pause won't be better in a few seconds. */
function mayPass(error: WorkerError): error is TransientError {
  return error instanceof TransientError && !(error instanceof RateLimitedError)
}

function rejectedTwice(reason: string): OutageError {
  return new OutageError('invalid-jwt', 'account', {
    found: `Hasura rejected a fresh token as well (${reason})`,
    remedy:
      "compare audience, issuer and keys in its JWT configuration with the realm's, and the clocks of both machines",
  })
}
