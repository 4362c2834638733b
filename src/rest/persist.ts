import type { Token } from '../auth/token.ts'
import type { TokenSource } from '../auth/token-source.ts'
import { type ApiWatch, longestPauseMs, tryUntilKnown } from '../auth/try-until-known.ts'
import { OutageError, TransientError, WorkerError } from '../errors.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { Clock } from '../time/clock.ts'
import { type ApiRequest, isRepeatable } from './api-request.ts'
import type { Verdict } from './interpret-answer.ts'
import type { RateBucket } from './rate-bucket.ts'

/** What all requests of one account share. */
export interface PersistDeps {
  readonly tokens: TokenSource
  readonly clock: Clock
  readonly bucket: RateBucket
  readonly watch?: ApiWatch
}

/** One try of a request with this token, and with headers to send along; it rejects only with the signal's reason. */
export type TryOnce<T> = (token: Token, request: ApiRequest, trace?: TraceHeaders) => Promise<Tried<T>>

export interface Tried<T> {
  readonly verdict: Verdict<T>
  /** Absent if no response arrived, as are headers. */
  readonly status?: number
  readonly headers?: Pick<Headers, 'get'>
}

/** A request, before its tries. */
export interface Unsent extends Omit<ApiRequest, 'repeated'> {
  /** What to do if the API rejects a fresh token as well. */
  readonly ifRejected: string
}

/** A minute's window may seem to end later than a minute from now, because its reset and the API's date are whole seconds. */
const roundingMs = 2_000

/**
 * Sends a request when it is its turn, and retries it until its outcome is known, if another try does no harm.
 *
 * @throws PermanentError, TransientError, OutageError, RateLimitedError, UnknownOutcomeError, what the token source throws, or
 * the signal's reason
 */
export async function persist<T>(
  deps: PersistDeps,
  sent: Unsent,
  signal: AbortSignal,
  tryOnce: TryOnce<T>,
): Promise<T> {
  const asked = (failures: readonly WorkerError[]): ApiRequest => ({
    ...sent,
    repeated: failures.some(error => !neverArrived(error)),
  })
  return tryUntilKnown(deps, signal, {
    operation: sent.method,
    tryOnce: (failures, sending) =>
      tryInTurn(deps, signal, token => sending(trace => tryOnce(token, asked(failures), trace))),
    // The next try waits for its turn.
    pause: async () => {},
    isWorthAnotherTry: error => isWorthAnotherTry(error, asked([])),
    async giveUp(token, reason) {
      // Other jobs may need the token: the request may only lack a role.
      await deps.tokens.replace(token, signal).catch((error: unknown) => {
        signal.throwIfAborted()
        throw error instanceof WorkerError ? rejectedOnce(sent, reason, error) : error
      })
    },
    explainRejection: reason => rejectedTwice(sent, reason),
    explainPause: ms => `The API asks for a pause of ${Math.ceil(ms / 1_000)} s after ${sent.name}`,
  })
}

async function tryInTurn<T>(
  { tokens, bucket }: PersistDeps,
  signal: AbortSignal,
  tryWith: (token: Token) => Promise<Tried<T>>,
): Promise<{ token: Token; verdict: Verdict<T> }> {
  await bucket.enter(signal, longestPauseMs + roundingMs)
  let tried: Tried<T> | undefined
  try {
    // Not before its turn, because a token may expire during a pause.
    const token = await tokens.get(signal)
    tried = await tryWith(token)
    if (tried.verdict.kind === 'rate-limited') bucket.pause(tried.verdict.retryAfterMs)
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

/**
 * A retry in a few seconds wouldn't help, so the job waits. Other requests, or another API, may accept the same token: some APIs
 * answer 401 where only a role is missing, such as Phase Two's.
 */
function rejectedTwice({ name, ifRejected: remedy }: Unsent, reason: string): OutageError {
  const found = `${name}: the API rejected a fresh token as well (${reason})`
  return new OutageError('unauthorized', 'job', { found, remedy })
}

/** Whether a fresh token would be accepted isn't known. */
function rejectedOnce({ name, ifRejected }: Unsent, reason: string, cause: WorkerError): OutageError {
  const found = `${name}: the API rejected the token (${reason}), and no fresh one could be fetched (${cause.found})`
  const remedy = [ifRejected, cause.remedy].filter(Boolean).join('; ')
  const { retryAfterMs } = cause instanceof OutageError ? cause : {}
  return new OutageError('unauthorized', 'job', { found, remedy }, { cause, ...(retryAfterMs && { retryAfterMs }) })
}
