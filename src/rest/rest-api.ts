import type { z } from 'zod'
import { PermanentError } from '../errors.ts'
import { type Answer, type Exchange, exchange as sendOverNetwork } from '../outgoing/exchange.ts'
import type { ApiRequest } from './api-request.ts'
import { parseApiBaseUrl, type Query, resolveApiUrl, showApiPath } from './api-url.ts'
import { interpretAnswer, type Verdict } from './interpret-answer.ts'
import { interpretFailure } from './interpret-failure.ts'
import { ignoreContent, interpretJson } from './interpret-json.ts'
import { parseAnswer } from './parse-answer.ts'
import { type PersistDeps, persist, type Tried } from './persist.ts'
import { checkSendable, type RepeatableBody, type Sendable, sendRequest } from './send-request.ts'

interface AnyRequest {
  /** That of a link to the next page is its `searchParams`. */
  readonly query?: Query | URLSearchParams
  readonly signal: AbortSignal
  /** Of the response, after decompression; default 64 MB. A larger one is a PermanentError (`too-large`). */
  readonly maxBytes?: number
}

export interface Expecting<T> {
  /** Parses the JSON of the response, in which integers beyond 2^53 are text, because JavaScript would round them. */
  readonly schema: z.ZodType<T>
}

export interface WriteRequest extends AnyRequest {
  /** Sent as JSON. */
  readonly body?: unknown
  /**
   * For an API that recognizes repeated requests by this key: the request may then be retried. Derive it from the operation, such
   * as the row's id and version, so that a later run of the job has the same key. Sent unchanged.
   */
  readonly idempotencyKey?: string
}

export interface FetchInit extends AnyRequest {
  /** Default GET. */
  readonly method?: string
  /** `Authorization` is overwritten. */
  readonly headers?: Readonly<Record<string, string>>
  /** It must be possible to read it more than once. */
  readonly body?: RepeatableBody
  readonly idempotencyKey?: string
}

export interface Send {
  <T>(path: string, request: WriteRequest & Expecting<T>): Promise<T>
  /**
   * The content of the response is ignored; only a web page in its place means that the API has not answered. HTTP 207 is a
   * PermanentError (`http-207`), because its content says which parts have failed.
   */
  (path: string, request: WriteRequest): Promise<undefined>
}

/**
 * One account's requests to one REST API. Paths are below the API's base URL, such as `/partner/orgs`.
 *
 * Each method rejects with PermanentError (`forbidden`, `not-found`, `http-…`, `response-shape`, `path`, …), OutageError if the
 * API is down or can't be reached, TransientError, RateLimitedError, UnknownOutcomeError if a request without idempotency key, or a
 * conditional one that is then refused, may have been carried out, what the token source throws, or the signal's reason. Their
 * messages contain no token, query value or part of a body.
 *
 * @example
 * import type { RestApi } from 'hasura-sync-worker'
 * import { z } from 'zod'
 *
 * const schema = z.object({ name: z.string() })
 *
 * export const readShop = (api: RestApi, signal: AbortSignal) => api.get('/shop', { schema, signal })
 */
export interface RestApi {
  get<T>(path: string, request: AnyRequest & Expecting<T>): Promise<T>
  readonly post: Send
  readonly put: Send
  readonly patch: Send
  /** An object that is gone when a failed try is repeated counts as deleted. */
  readonly delete: Send
  /** The unparsed response, read to its end, with status 2xx or 304; any other status is thrown as above. */
  fetch(path: string, init: FetchInit): Promise<Response>
}

const largestAnswerBytes = 64 * 2 ** 20
const ifTooLarge = 'request less data, or set a larger maxBytes'

const ifRejected =
  'check that the API knows this client, that it has the role or scope which this request needs, that it accepts tokens of this realm and audience, and the clocks of both machines'

/**
 * @param deps.baseUrl complete; nothing outside it is ever reached
 * @param deps.insecureHosts to which the token may go over plain http
 * @param deps.bucket shared by everything that this account sends to this API
 * @param deps.timeoutMs for one try, including its whole response; default 30 seconds
 * @throws ConfigError if the base URL can't be used
 */
export function createRestApi(
  deps: PersistDeps & {
    readonly baseUrl: string
    readonly insecureHosts?: readonly string[]
    readonly exchange?: Exchange
    readonly timeoutMs?: number
  },
): RestApi {
  const base = parseApiBaseUrl(deps.baseUrl, deps.insecureHosts)
  const { exchange = sendOverNetwork, timeoutMs = 30_000 } = deps

  /** @param read converts a successful response */
  async function carryOut<T>(
    path: string,
    { method = 'GET', query, headers, body, idempotencyKey, signal, maxBytes = largestAnswerBytes }: FetchInit,
    read: (answer: Answer, request: ApiRequest) => Verdict<T>,
  ): Promise<{ value: T; name: string }> {
    const url = resolveApiUrl(base, path, query)
    const verb = method.toUpperCase()
    const name = `${verb} ${showApiPath(base, url)}`
    const keyed = idempotencyKey !== undefined
    const request = { method: verb, name, address: 'the path and API_BASE_URL', keyed, ifRejected }
    const sendable: Sendable = {
      url,
      method: verb,
      headers: { accept: 'application/json', ...lowerCase(headers), ...keyHeader(idempotencyKey) },
      ...(body !== undefined && { body }),
    }
    checkSendable(sendable)
    const value = await persist(deps, request, signal, async (token, current, trace): Promise<Tried<T>> => {
      const limits = { signal, timeoutMs, maxBytes, ifTooLarge }
      const answer = await sendRequest(exchange, sendable, token, limits, trace)
      if ('failure' in answer) {
        return { verdict: { kind: 'error', error: interpretFailure(answer.failure, current) } }
      }
      const verdict = interpretAnswer({ ...answer, tokenBytes: token.value.length }, current, deps.clock.now())
      const { status, headers } = answer
      return { status, headers, verdict: verdict.kind === 'done' ? read(answer, current) : verdict }
    })
    return { value, name }
  }

  async function readJson<T>(path: string, init: FetchInit, schema: z.ZodType<T>): Promise<T> {
    const { value, name } = await carryOut(path, init, interpretJson)
    const { status, json } = value
    return parseAnswer(schema, json, status === 200 ? name : `${name} (HTTP ${status})`)
  }

  function sender(method: string): Send {
    function send<T>(path: string, request: WriteRequest & Expecting<T>): Promise<T>
    function send(path: string, request: WriteRequest): Promise<undefined>
    async function send(path: string, request: WriteRequest & Partial<Expecting<unknown>>): Promise<unknown> {
      const { body, schema, ...rest } = request
      const init = { ...rest, method, ...(body !== undefined && jsonBody(body)) }
      if (schema) return readJson(path, init, schema)
      await carryOut(path, init, ignoreContent)
      return undefined
    }
    return send
  }

  return {
    get: (path, { schema, ...init }) => readJson(path, init, schema),
    post: sender('POST'),
    put: sender('PUT'),
    patch: sender('PATCH'),
    delete: sender('DELETE'),
    async fetch(path, init) {
      const { value } = await carryOut(path, init, keep)
      return toResponse(value)
    },
  }
}

function keep(answer: Answer): Verdict<Answer> {
  return { kind: 'done', value: answer }
}

/** Names that differ only in case would be sent as one header with two values. */
function lowerCase(headers: Readonly<Record<string, string>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

function keyHeader(key: string | undefined): Record<string, string> {
  if (key === undefined) return {}
  if (!/^[\x21-\x7e]{1,255}$/.test(key)) {
    throw new PermanentError(
      'idempotency-key',
      'An idempotency key must be 1 to 255 printable ASCII characters without spaces',
    )
  }
  return { 'idempotency-key': key }
}

function jsonBody(value: unknown): { body: string; headers: Record<string, string> } {
  try {
    return { body: JSON.stringify(value), headers: { 'content-type': 'application/json' } }
  } catch {
    // Its own message may repeat a value.
    throw new PermanentError(
      'body',
      'The body of a request cannot be written as JSON, because it contains a bigint or a circular reference',
    )
  }
}

/** The body has been decoded, so the headers about its encoding and length no longer apply. */
function toResponse({ status, headers, body }: Answer): Response {
  const kept = new Headers(headers)
  kept.delete('content-encoding')
  kept.delete('content-length')
  const empty = status === 204 || status === 205 || status === 304
  return new Response(empty ? null : body, { status, headers: kept })
}
