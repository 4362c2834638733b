import type { Token } from '../auth/token.ts'
import type { TokenSource } from '../auth/token-source.ts'
import { OutageError, RateLimitedError, TransientError, type WorkerError } from '../errors.ts'
import type { Clock } from '../time/clock.ts'
import { type ApiRequest, isRepeatable } from './api-request.ts'
import type { Verdict } from './interpret-answer.ts'
import type { RateBucket } from './rate-bucket.ts'

/** What the requests of one account share. */
export interface PersistDeps {
  readonly tokens: TokenSource
  readonly clock: Clock
  readonly bucket: RateBucket
}

/** One try of a request with this token; it rejects with the signal's reason alone. */
export type TryOnce<T> = (token: Token, request: ApiRequest) => Promise<Tried<T>>

export interface Tried<T> {
  readonly verdict: Verdict<T>
  /** Absent where no answer came. */
  readonly headers?: { get(name: string): string | null }
}

/** Pauses before a request is tried again. */
const retryPausesMs = [1_000, 2_000, 4_000]

/** How long pauses that the API asks for are waited for in place; beyond it the request goes back to the queue. */
const longestPauseMs = 60_000

/** By our reckoning a minute's window can end later than a minute from now: its reset and the API's date are whole seconds. */
const roundingMs = 2_000

/**
 * Tries a request until its outcome is known: with another token after the first rejection, after the pauses that the API asks
 * for, and after 1, 2 and 4 seconds where a failure may pass and a second try does no harm.
 *
 * @throws PermanentError, TransientError, OutageError, RateLimitedError, UnknownOutcomeError, what the token source throws, the
 *   signal's reason
 */
export async function persist<T>(
  deps: PersistDeps,
  sent: Omit<ApiRequest, 'repeated'>,
  signal: AbortSignal,
  tryOnce: TryOnce<T>,
): Promise<T> {
  const { tokens, clock, bucket } = deps
  let request: ApiRequest = { ...sent, repeated: false }
  let rejections = 0
  let failures = 0
  let pausedMs = 0
  for (;;) {
    const { token, verdict } = await tryInTurn(deps, request, signal, tryOnce)
    switch (verdict.kind) {
      case 'done':
        return verdict.value
      case 'token-rejected':
        rejections += 1
        if (rejections > 1) throw rejectedTwice(request)
        tokens.drop(token)
        break
      case 'rate-limited':
        bucket.pause(verdict.retryAfterMs)
        pausedMs += verdict.retryAfterMs
        if (pausedMs > longestPauseMs) throw rateLimited(request, verdict.retryAfterMs)
        break
      case 'error': {
        const pauseMs = retryPausesMs[failures]
        if (pauseMs === undefined || !isWorthAnotherTry(verdict.error, request)) throw verdict.error
        failures += 1
        if (!neverArrived(verdict.error)) request = { ...request, repeated: true }
        await clock.sleep(pauseMs, signal)
      }
    }
  }
}

async function tryInTurn<T>(
  { tokens, bucket }: PersistDeps,
  request: ApiRequest,
  signal: AbortSignal,
  tryOnce: TryOnce<T>,
): Promise<{ token: Token; verdict: Verdict<T> }> {
  await bucket.enter(signal, longestPauseMs + roundingMs)
  let tried: Tried<T> | undefined
  try {
    // Not before its turn: a token may expire in a pause.
    const token = await tokens.get(signal)
    tried = await tryOnce(token, request)
    return { token, verdict: tried.verdict }
  } finally {
    bucket.leave(tried?.headers)
  }
}

function isWorthAnotherTry(error: WorkerError, request: ApiRequest): boolean {
  return error instanceof TransientError && error.code !== 'redirect' && isRepeatable(request)
}

function neverArrived(error: WorkerError): boolean {
  return error instanceof OutageError && error.code === 'network'
}

function rateLimited(request: ApiRequest, retryAfterMs: number): RateLimitedError {
  return new RateLimitedError(
    `The API asks for a pause of ${Math.ceil(retryAfterMs / 1_000)} s after ${request.name}`,
    retryAfterMs,
  )
}

/** Nothing that another try in a few seconds would mend, and nothing that is this job's fault: the account waits. */
function rejectedTwice(request: ApiRequest): OutageError {
  return new OutageError('unauthorized', 'account', {
    found: `${request.name}: the API rejected a fresh token as well (HTTP 401)`,
    remedy:
      'check that the API knows this client, that it takes tokens of this realm and audience, and the clocks of both machines',
  })
}
