import { ClientError, type ClientErrorCode } from './client-error.ts'
import { findText, readObject } from './read-body.ts'
import type { Surroundings } from './surroundings.ts'

/** For one attempt, and for all attempts, in milliseconds. */
export interface Deadlines {
  readonly tryMs: number
  readonly totalMs: number
}

export interface Answer {
  readonly body: Readonly<Record<string, unknown>>
  readonly headers: Headers
}

/** Before the second, third and fourth attempt; up to half of it is added, so that many callers don't return at the same time. */
const pausesMs = [250, 1_000, 3_000]

/**
 * Sends something that may be sent more than once, until it gets a response, the deadline is near, or four attempts have failed.
 * Retries after no response, what `isPassing` names, and 409 with `Retry-After` (the first of two equal requests is being handled).
 *
 * @param send one attempt, after so many others
 * @throws ClientError; the signal's reason
 */
export async function exchange(
  { now, sleep }: Omit<Surroundings, 'fetch'>,
  what: string,
  deadlines: Deadlines,
  signal: AbortSignal | undefined,
  send: (signal: AbortSignal, tried: number) => Promise<Response>,
): Promise<Answer> {
  const endsAt = now() + deadlines.totalMs
  const never = new AbortController().signal
  for (let tried = 0; ; tried += 1) {
    const tryMs = Math.min(deadlines.tryMs, Math.max(1, endsAt - now()))
    const failure = await attempt(what, tryMs, signal, trying => send(trying, tried))
    if (!(failure instanceof ClientError)) return failure
    const pause = pausesMs[tried]
    if (!failure.isTransient || pause === undefined) throw failure
    const waitMs = Math.max(failure.retryAfterMs ?? 0, pause * (1 + Math.random() / 2))
    if (now() + waitMs >= endsAt) throw failure
    await sleep(waitMs, signal ?? never)
  }
}

async function attempt(
  what: string,
  tryMs: number,
  signal: AbortSignal | undefined,
  send: (signal: AbortSignal) => Promise<Response>,
): Promise<Answer | ClientError> {
  signal?.throwIfAborted()
  const deadline = AbortSignal.timeout(Math.ceil(tryMs))
  const either = signal ? AbortSignal.any([signal, deadline]) : deadline
  try {
    const response = await send(either)
    // What browsers tell of a redirect.
    if (response.type === 'opaqueredirect') return new ClientError('unavailable', `${what} answered with ${redirect}`)
    const body = await readObject(response)
    if (!response.ok) return explainStatus(what, response, body)
    if (body) return { body, headers: response.headers }
    return new ClientError('unavailable', `${what} did not answer with a JSON object: check the URL`, {
      status: response.status,
    })
  } catch (error) {
    signal?.throwIfAborted()
    if (error instanceof ClientError) return error
    const why = deadline.aborted
      ? `did not respond within ${Math.ceil(tryMs / 1_000)} s`
      : `can't be reached${codeOf(error)}`
    return new ClientError('unavailable', `${what} ${why}`, { isTransient: true, cause: error })
  }
}

const redirect = 'a redirect: set the address that it leads to'

function explainStatus(
  what: string,
  { status, headers }: Response,
  body: Readonly<Record<string, unknown>> | undefined,
): ClientError {
  // RFC 9457, with the worker's own `remedy`; `error_description` is RFC 6749's.
  const found = findText(body, 'detail', 'error_description', 'title')
  const remedy = findText(body, 'remedy')
  const told = found !== undefined && remedy !== undefined ? `${found}: ${remedy}` : found
  const said = told ?? (status >= 300 && status < 400 ? redirect : undefined)
  const retryAfterMs = readRetryAfter(headers.get('retry-after'))
  const isTransient = isPassing(status) || (status === 409 && retryAfterMs !== undefined)
  return new ClientError(
    codeOfStatus(status),
    `${what} answered HTTP ${status}${said === undefined ? '' : `: ${said}`}`,
    {
      status,
      reason: findText(body, 'code', 'error', 'type'),
      retryAfterMs,
      isTransient,
    },
  )
}

/** What proxies answer without the server: 408, 425, and Cloudflare's 520 to 530, have the meaning of 502 to 504. */
function isPassing(status: number): boolean {
  return [408, 425, 429, 502, 503, 504].includes(status) || (status >= 520 && status <= 530)
}

function codeOfStatus(status: number): ClientErrorCode {
  if (status === 401 || status === 403) return 'unauthorized'
  if (status === 429) return 'rate-limited'
  return status >= 400 && status < 500 && !isPassing(status) ? 'usage' : 'unavailable'
}

/** Seconds, also with a fraction, or a date (RFC 9110, section 10.2.3), in milliseconds from now. */
function readRetryAfter(value: string | null): number | undefined {
  const text = value?.trim() ?? ''
  if (/^\d+(?:\.\d+)?$/.test(text)) return Math.ceil(Number(text) * 1_000)
  // `Date.parse` takes almost any text for a date.
  const at = text.endsWith(' GMT') ? Date.parse(text) : Number.NaN
  return Number.isNaN(at) ? undefined : Math.max(0, at - Date.now())
}

/** From the system's error that caused fetch's: ECONNREFUSED, ENOTFOUND. */
function codeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : undefined
  return cause && 'code' in cause && typeof cause.code === 'string' ? ` (${cause.code})` : ''
}
