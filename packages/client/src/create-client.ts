import { ClientError } from './client-error.ts'
import { createAccess, type TokenOption } from './create-access.ts'
import { type Answer, type Deadlines, exchange } from './exchange.ts'
import type { JobLike, JobName, JobNamed, RequestArguments } from './job-types.ts'
import { type Change, type ChangesOptions, readChanges } from './read-changes.ts'
import { type Accepted, parseAccepted, parseReport, type RequestReport } from './request-report.ts'
import { requireAddress } from './require-address.ts'
import { platform, type Surroundings } from './surroundings.ts'
import { unlessAborted } from './unless-aborted.ts'
import { waitForEnd, watchRequest } from './watch-request.ts'

export interface ClientOptions {
  /** Base URL of the worker's HTTP API, such as https://worker.example. */
  readonly url: string
  readonly token: TokenOption
  /** For every call except `wait` and `watch`, including retries, in milliseconds; default 30,000. */
  readonly timeoutMs?: number
  /** Allows plain `http:` to other machines. Only inside a network that you trust: tokens can be read there. */
  readonly allowInsecure?: boolean
  /** Default: the platform's. */
  readonly fetch?: typeof globalThis.fetch
}

export interface RequestOptions {
  /** Required if the worker has several. */
  readonly account?: string
  readonly priority?: 'high' | 'normal' | 'low'
  /** Requests with the same key are one request. Default: a new key for every call, so its retries make no second request. */
  readonly idempotencyKey?: string
  readonly signal?: AbortSignal
}

export interface WaitOptions {
  /** In milliseconds; default 600,000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

/** Its methods may be used without the object. */
export interface Client<L extends readonly JobLike[]> {
  /**
   * Makes a request for a job. When this resolves, the worker has stored it.
   *
   * @throws ClientError; with `isTransient`, repeat it with the error's `idempotencyKey`
   */
  request<N extends JobName<L>>(
    job: N,
    ...payloadAndOptions: RequestArguments<JobNamed<L, N>, RequestOptions>
  ): Promise<Accepted>
  /** Requests the bootstrap of a new account. */
  bootstrap(options?: RequestOptions): Promise<Accepted>
  /** Gets a request's current state. */
  find(id: string, options?: Pick<WaitOptions, 'signal'>): Promise<RequestReport>
  /**
   * Waits until a request is done.
   *
   * @throws ClientError `request-failed`, `request-cancelled`, `timeout`, and those of `find`
   */
  wait(request: string | { readonly id: string }, options?: WaitOptions): Promise<RequestReport>
  /**
   * Yields a request's state, and every change of it until the request has ended, successfully or not.
   *
   * @throws ClientError `timeout`, and those of `find`
   */
  watch(request: string | { readonly id: string }, options?: WaitOptions): AsyncIterableIterator<RequestReport>
  /**
   * Yields the changes of a mirror table in commit order, the latest change of each row, until the caller stops. Needs a token with
   * the view role.
   *
   * @throws ClientError when the worker doesn't respond: resume after the position of the last handled change. With the `reason`
   * `position`, the worker's database was restored to an earlier state: start again without `after`
   */
  changes(table: string, options?: ChangesOptions): AsyncIterableIterator<Change>
}

/**
 * A client of one worker. The jobs are imported for their types only, so nothing of the project is bundled.
 *
 * @throws ClientError `usage` when the options can't be used
 * @example
 * import { createClient } from 'hasura-sync-worker-client'
 * import type { jobs } from '../worker/src/jobs/list.ts'
 *
 * const worker = createClient<typeof jobs>({
 *   url: 'https://worker.example',
 *   token: { issuer: 'https://login.example/realms/app', clientId: 'shop', clientSecret: process.env.SECRET ?? '' },
 * })
 * const request = await worker.request('sync-orders', { full: true })
 * await worker.wait(request)
 */
export function createClient<const L extends readonly JobLike[]>(options: ClientOptions): Client<L> {
  // Called as a function: browsers refuse `fetch` as a method of anything but the window.
  const ask: typeof fetch = (address, init) => (options.fetch ?? fetch)(address, { ...init, ...uncached() })
  return createClientIn({ ...platform, fetch: ask }, options)
}

/**
 * Next.js keeps what its `fetch` got, also for `POST`. A Cloudflare Worker with a compatibility date before 2024-11-11 knows no such
 * option, and throws. jsdom and some polyfills have no `Request`.
 */
const uncached = (): RequestInit =>
  typeof Request === 'function' && 'cache' in Request.prototype ? { cache: 'no-store' } : {}

const tryMs = 10_000

/** The same, with a given clock and network. */
export function createClientIn<const L extends readonly JobLike[]>(
  surroundings: Surroundings,
  options: ClientOptions,
): Client<L> {
  const { timeoutMs = 30_000, allowInsecure = false } = options
  const url = requireAddress('url', options.url, allowInsecure)
  const access = createAccess(options.token, allowInsecure, surroundings)
  const deadlines: Deadlines = { tryMs, totalMs: timeoutMs }

  async function send(
    path: string,
    initOf: (tried: number) => RequestInit,
    limits: Deadlines,
    signal?: AbortSignal,
  ): Promise<Answer> {
    let refused = false
    return exchange(surroundings, 'The worker', limits, signal, async (trying, tried) => {
      const init = initOf(tried)
      const ask = async (token: string): Promise<Response> => {
        const headers = { accept: 'application/json', ...init.headers, authorization: `Bearer ${token}` }
        return surroundings.fetch(`${url}${path}`, { ...init, headers, redirect: 'manual', signal: trying })
      }
      const getToken = async () =>
        requireSendable(await unlessAborted(access.get(trying), trying).catch(explainNoToken))
      const token = await getToken()
      const response = await ask(token)
      // A rejected token is replaced once.
      if (response.status !== 401 || refused || !access.drop(token)) return response
      refused = true
      await response.body?.cancel()
      return ask(await getToken())
    })
  }

  async function request(job: string, payload: unknown, wish: RequestOptions = {}): Promise<Accepted> {
    const { account, priority, signal, idempotencyKey = makeKey() } = wish
    if (!/^[\x20-\x7e]{1,255}$/.test(idempotencyKey))
      throw new ClientError('usage', 'The idempotency key must have 1 to 255 printable ASCII characters')
    const headers = { 'content-type': 'application/json', 'idempotency-key': idempotencyKey }
    const body = writeJson({ account, payload, priority })
    try {
      const path = `/jobs/${encodeURIComponent(job)}/requests`
      const answer = await send(path, () => ({ method: 'POST', headers, body }), deadlines, signal)
      return parseAccepted(answer.body)
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      throw new ClientError(error.code, error.message, { ...error, idempotencyKey, cause: error.cause })
    }
  }

  async function look(id: string, waitSeconds: number, signal: AbortSignal | undefined) {
    const asked = waitSeconds * 1_000
    const limits = { tryMs: tryMs + asked, totalMs: timeoutMs + asked }
    // A gateway that didn't wait for the first response wouldn't wait for the next one either.
    const initOf = (tried: number) =>
      waitSeconds > 0 && tried === 0 ? { headers: { prefer: `wait=${waitSeconds}` } } : {}
    const answer = await send(`/requests/${encodeURIComponent(id)}`, initOf, limits, signal)
    return {
      report: parseReport(answer.body),
      // RFC 7240, section 3.
      waited: /(?:^|,)\s*wait\b/.test(answer.headers.get('preference-applied') ?? ''),
    }
  }

  const watch: Client<L>['watch'] = (asked, wish) => watchRequest(surroundings, look, idOf(asked), wish)
  return {
    request: (job, ...[payload, wish]) => request(job, payload, wish),
    bootstrap: wish => request('bootstrap-account', undefined, wish),
    find: async (id, { signal } = {}) => (await look(id, 0, signal)).report,
    wait: (asked, wish) => waitForEnd(watch(asked, wish)),
    watch,
    changes(table, wish) {
      const ask = async (query: URLSearchParams, signal?: AbortSignal) =>
        (await send(`/changes?${query}`, () => ({}), deadlines, signal)).body
      return readChanges(surroundings, ask, table, wish)
    },
  }
}

/** Browsers have `crypto.randomUUID` on `https:` pages only. */
function makeKey(): string {
  return [...crypto.getRandomValues(new Uint8Array(16))].map(byte => byte.toString(16).padStart(2, '0')).join('')
}

/** Of an invalid header `fetch` says the same as of a lost connection, which would be tried again. */
function requireSendable(token: string): string {
  if (/^[\x21-\x7e]+$/.test(token.trim())) return token
  throw new ClientError('unauthorized', 'The token has a character that no token has, such as a space')
}

/** Nothing was sent to the worker, so its name must not be in the error. */
function explainNoToken(error: unknown): never {
  if (!(error instanceof DOMException) || error.name !== 'TimeoutError') throw error
  const found = 'No token came in time: check the function or the issuer of the option "token"'
  throw new ClientError('unavailable', found, { isTransient: true, cause: error })
}

function idOf(request: string | { readonly id: string }): string {
  return typeof request === 'string' ? request : request.id
}

function writeJson(value: object): string {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw new ClientError('usage', 'The payload has no JSON', { cause })
  }
}
