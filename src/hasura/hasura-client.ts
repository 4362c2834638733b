import type { TypedDocumentNode } from '@graphql-typed-document-node/core'
import type { Token } from '../auth/token.ts'
import type { TokenSource } from '../auth/token-source.ts'
import { type ApiWatch, type Sending, type Tried, tryUntilKnown } from '../auth/try-until-known.ts'
import { OutageError, RateLimitedError, TransientError, WorkerError } from '../errors.ts'
import type { Log } from '../log.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { Slots } from '../outgoing/slots.ts'
import type { Clock } from '../time/clock.ts'
import { parseHttpDate } from '../time/http-date.ts'
import type { KnownSecrets } from '../words/known-secrets.ts'
import { findDocumentRoot } from './document-root.ts'
import { explainLate, pingTimeoutMs } from './explain-late.ts'
import { namesOfRow } from './find-list.ts'
import { interpretResponse, type Verdict } from './interpret-response.ts'
import { interpretRows } from './interpret-rows.ts'
import { findJwtRemedy } from './jwt-words.ts'
import { type DocumentKind, requireDocument } from './require-document.ts'
import { requireVariables } from './require-variables.ts'
import type { Rows } from './rows.ts'
import { createSend, type Received, type Sendable } from './send-document.ts'

export interface RequestOptions {
  readonly signal?: AbortSignal
  /** Timeout of one try including its response, in milliseconds; default: the client's. */
  readonly timeoutMs?: number
  /** Maximum size of the decompressed response; default: 256 MB. A larger one is a PermanentError (`too-large`). */
  readonly maxBytes?: number
  /** Failures that the caller handles with another query, so that this one isn't retried. */
  readonly givesUpOn?: (error: TransientError) => boolean
}

export interface RowsResult extends Rows {
  /** Size of the response, in bytes. */
  readonly length: number
  /** Hasura's time of the response (`Date` header, whole seconds), in milliseconds since 1970. */
  readonly serverDate: number | undefined
}

/**
 * A client for one Hasura endpoint and one role.
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
   * Runs a query; a transient failure is retried after 1, 2 and 4 seconds. Variables that JSON can't carry, such as NaN or a Promise, are
   * refused (PermanentError, `variables`). In the result, integers beyond 2^53 are text, because JavaScript would round them.
   *
   * @throws PermanentError (its code is Hasura's; `document`: it isn't one query; `variables`: they can't be JSON), OutageError when the
   *   API is down for everybody, TransientError, RateLimitedError, what the token source throws, the signal's reason
   */
  query<R, V extends Record<string, unknown>>(
    document: TypedDocumentNode<R, V>,
    variables: V,
    options?: RequestOptions,
  ): Promise<R>
  /**
   * Runs a mutation; it is retried only if it can't have been executed. One whose filter lacks a value, as in `{ _eq: undefined }`, isn't
   * sent, because it would change every row.
   *
   * @throws as `query`, and UnknownOutcomeError when it may have been executed
   */
  mutate<R, V extends Record<string, unknown>>(
    document: TypedDocumentNode<R, V>,
    variables: V,
    options?: RequestOptions,
  ): Promise<R>
  /**
   * Runs a query for one list of rows and keeps the values as Hasura wrote them.
   *
   * @param place of the list in `data`: `users`, or `north.users` in a namespace
   * @throws PermanentError (`response-shape`) when there is none, or a row lacks a field that the document selects
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
 * @param deps.url complete URL of the GraphQL endpoint
 * @param deps.role sent as `x-hasura-role` with every request
 * @param deps.timeoutMs of one try including its response; default: 30 seconds
 */
export function createHasuraClient(deps: {
  url: string
  role: string
  tokens: TokenSource
  clock: Clock
  timeoutMs?: number
  /** Of a query that reads nothing, after another one had no answer in time. */
  pingTimeoutMs?: number
  /** Shared by all clients of an account; default: no limit. */
  slots?: Slots
  /** Secrets to redact in Hasura's messages; the token always is. */
  secrets?: KnownSecrets
  log?: Log | undefined
  watch?: ApiWatch
}): HasuraClient {
  const { role, tokens, clock, slots = work => work(), pingTimeoutMs: pingMs = pingTimeoutMs } = deps
  const sendOnce = createSend({ url: deps.url, role })

  /** A mutation is retried only with another token, or after a requested pause: a failed one may have been executed. */
  function ask<D>(
    operation: Sendable,
    kind: DocumentKind,
    { signal, timeoutMs = deps.timeoutMs ?? 30_000, maxBytes = largestAnswerBytes, givesUpOn }: RequestOptions,
    interpret: (received: Answer) => Verdict<D>,
  ): Promise<Executed<D>> {
    requireVariables(operation, kind)
    async function send(token: Token, trace: TraceHeaders | undefined): Promise<Tried<Executed<D>>> {
      const limits = { timeoutMs, maxBytes, ...(signal && { signal }) }
      const received = await sendOnce(operation, kind, token, limits, trace).catch(async error => {
        if (timeoutMs < pingMs) throw error
        throw await explainLate(error, ping => sendOnce(ping, 'query', token, { ...limits, timeoutMs: pingMs }))
      })
      const { status } = received
      const verdict = interpret({ ...received, secrets: [token.value, ...(deps.secrets?.all() ?? [])] })
      if (verdict.kind !== 'data') return { token, status, verdict }
      return { token, status, verdict: { kind: 'done', value: { data: verdict.data, received } } }
    }
    async function sendInTurn(sending: Sending): Promise<Tried<Executed<D>>> {
      const token = await tokens.get(signal)
      return slots(() => sending(trace => send(token, trace).catch(failed)))
    }
    return tryUntilKnown(deps, signal, {
      operation: kind,
      name: findDocumentRoot(operation.document)?.name?.value,
      tryOnce: (_, sending) => sendInTurn(sending).catch(failed),
      pause: ms => clock.sleep(ms, signal),
      isWorthAnotherTry: error => kind === 'query' && mayPass(error) && !givesUpOn?.(error),
      giveUp: token => tokens.drop(token),
      explainRejection: rejectedTwice,
      explainPause: ms => `Hasura asks for a pause of ${ms / 1_000} s`,
    })
  }

  const askAs =
    (kind: DocumentKind) =>
    async <R, V extends Record<string, unknown>>(
      document: TypedDocumentNode<R, V>,
      variables: V,
      options: RequestOptions = {},
    ): Promise<R> => {
      requireDocument(document, kind)
      return dataOf<R>(
        await ask({ document, variables }, kind, options, answer => interpretResponse(answer, kind, role, clock.now())),
      )
    }

  return {
    role,
    query: askAs('query'),
    mutate: askAs('mutation'),
    async queryRows<R, V extends Record<string, unknown>>(
      document: TypedDocumentNode<R, V>,
      variables: V,
      place: string,
      options: RequestOptions = {},
    ) {
      requireDocument(document, 'query')
      const wanted = { place, names: namesOfRow(document) }
      const { data, received } = await ask({ document, variables }, 'query', options, answer =>
        interpretRows(answer, wanted, role, clock.now()),
      )
      const serverDate = parseHttpDate(received.headers.get('date') ?? '')
      return {
        ...data,
        length: received.body.length,
        serverDate: Number.isNaN(serverDate) ? undefined : serverDate,
      }
    },
  }
}

/** A response with the secrets to redact in its messages. */
type Answer = Received & { readonly secrets: readonly string[] }

interface Executed<D = unknown> {
  readonly data: D
  readonly received: Received
}

/**
 * The only place that types a response without validating it: Hasura validated the operation against the schema that generated the
 * document's types, and checking every row would cost more than reading it.
 */
function dataOf<R>(executed: Executed): R {
  return executed.data as R
}

/** No token, or no response. */
function failed(error: unknown): Tried<never> {
  if (error instanceof WorkerError) return { verdict: { kind: 'error', error } }
  throw error
}

/** A rate limit that outlasts its pause won't end within a few seconds. */
function mayPass(error: WorkerError): error is TransientError {
  return error instanceof TransientError && !(error instanceof RateLimitedError)
}

function rejectedTwice(reason: string): OutageError {
  return new OutageError('invalid-jwt', 'account', {
    found: `Hasura rejected a fresh token as well (${reason})`,
    remedy: findJwtRemedy(reason),
  })
}
