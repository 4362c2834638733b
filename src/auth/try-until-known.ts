import {
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  UnknownOutcomeError,
  type WorkerError,
} from '../errors.ts'
import type { Log } from '../log.ts'
import type { ApiOutcome, ApiQuestion, ApiTry } from '../observer/observer.ts'
import type { TraceHeaders } from '../observer/trace-headers.ts'
import type { Clock } from '../time/clock.ts'
import type { Token } from './token.ts'

/** What a failed try means for the sender. */
export type Setback =
  /** Not executed: retry with another token; or, if it isn't valid yet, keep it and retry later. */
  | { readonly kind: 'token-rejected'; readonly reason: string; readonly isEarly?: boolean }
  /** Not executed: wait. */
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number }
  /** `isWorthAnotherTry` decides whether to try again. */
  | { readonly kind: 'error'; readonly error: WorkerError }

export interface TryDeps {
  readonly clock: Clock
  readonly log?: Log | undefined
  readonly watch?: ApiWatch | undefined
}

/** Observes the requests to one API. */
export interface ApiWatch {
  /** Wraps every attempt that is sent; passes the headers to send along. */
  during<T>(question: Pick<ApiQuestion, 'operation' | 'name'>, work: (headers?: TraceHeaders) => Promise<T>): Promise<T>
  /** Called inside, with the result. */
  asked(tried: Omit<ApiTry, 'api'>): void
}

/** Measures the exchange and the interpretation of its response, without the waits before it. */
export type Sending = <A extends Sent>(exchange: (headers?: TraceHeaders) => Promise<A>) => Promise<A>

type Sent = Pick<Tried<unknown>, 'verdict' | 'status'>

/** A request to an API that takes tokens, and how to retry it. */
export interface Attempts<T> {
  /** For metrics and traces. */
  readonly operation: string
  /** Of a GraphQL operation. */
  readonly name?: string | undefined
  /**
   * Makes one try with one token; an exception ends the request.
   *
   * @param failures of the earlier attempts
   * @param sending must wrap the exchange
   */
  tryOnce(failures: readonly WorkerError[], sending: Sending): Promise<Tried<T>>
  /** Waits for the pause that the API asks for; a no-op when the next try waits itself. */
  pause(ms: number): Promise<void>
  /** Whether the failure may be temporary and another try is harmless. */
  isWorthAnotherTry(error: WorkerError): boolean
  /** Gives up a token that was rejected for the first time; the next try takes another. An exception ends the request. */
  giveUp(token: Token, reason: string): void | Promise<void>
  explainRejection(reason: string): WorkerError
  /** The message for a requested pause. */
  explainPause(ms: number): string
}

export interface Tried<T> {
  readonly verdict: { readonly kind: 'done'; readonly value: T } | Setback
  /** Of HTTP; absent without a response. */
  readonly status?: number
  /** The token of the try; absent when none could be fetched. */
  readonly token?: Token
}

/** Pauses between tries. */
const retryPausesMs = [1_000, 2_000, 4_000]

/**
 * An unreachable server that takes longer than this to be noticed, as behind a firewall that drops packets, ends the request, in
 * milliseconds. The next probe is soon enough, and others can use the run's slot until then. A proxy that answers may have waited for one
 * slow query.
 */
const slowOutageMs = 5_000

/** Clocks that NTP keeps differ by less. */
const earlyPauseMs = 3_000

/** Longest pause of an API for which the run waits; for a longer one the request is deferred. */
export const longestPauseMs = 60_000

/**
 * Tries a request until its outcome is known. It retries with another token after the first rejection (or later, if the token isn't
 * valid yet), after pauses that the API asks for, and after 1, 2 and 4 seconds when a failure may be temporary, unless it took long to
 * find the server unreachable.
 *
 * @throws the failure that isn't worth another try, or the last one; RateLimitedError; the signal's reason
 */
export async function tryUntilKnown<T>(
  { clock, log, watch }: TryDeps,
  signal: AbortSignal | undefined,
  attempts: Attempts<T>,
): Promise<T> {
  const { operation, name } = attempts
  let sentAt = 0
  const sending: Sending = exchange => {
    const send = async (headers?: TraceHeaders) => {
      sentAt = clock.elapsed()
      const sent = await exchange(headers)
      watch?.asked({ operation, ...outcomeOf(sent), durationMs: clock.elapsed() - sentAt })
      return sent
    }
    return watch ? watch.during({ operation, name }, send) : send()
  }
  const failures: WorkerError[] = []
  let rejections = 0
  let pausedMs = 0
  for (;;) {
    // A login that fails is sent by the try itself.
    sentAt = clock.elapsed()
    const { token, verdict } = await attempts.tryOnce(failures, sending)
    switch (verdict.kind) {
      case 'done':
        return verdict.value
      case 'token-rejected':
        rejections += 1
        if (rejections > 1) throw attempts.explainRejection(verdict.reason)
        // A newer token would become valid even later.
        if (verdict.isEarly) await clock.sleep(earlyPauseMs, signal)
        else if (token) await attempts.giveUp(token, verdict.reason)
        break
      case 'rate-limited': {
        const { retryAfterMs } = verdict
        pausedMs += retryAfterMs
        if (pausedMs > longestPauseMs) throw new RateLimitedError(attempts.explainPause(retryAfterMs), retryAfterMs)
        log?.debug({ pauseMs: retryAfterMs }, 'the API asks for a pause')
        await attempts.pause(retryAfterMs)
        break
      }
      case 'error': {
        const { error } = verdict
        const pauseMs = retryPausesMs[failures.length]
        if (pauseMs === undefined || !attempts.isWorthAnotherTry(error)) throw error
        if (isUnreachable(error) && clock.elapsed() - sentAt >= slowOutageMs) throw error
        failures.push(error)
        // The API accepted this token: a later rejection counts as the first again.
        rejections = 0
        log?.debug({ error, pauseMs }, 'a request failed and is retried')
        await clock.sleep(pauseMs, signal)
      }
    }
  }
}

function isUnreachable(error: WorkerError): boolean {
  return error instanceof OutageError && !error.code.startsWith('http-')
}

function outcomeOf({ verdict, status }: Sent): Pick<ApiTry, 'outcome' | 'code' | 'status'> {
  const answered = status !== undefined && { status }
  if (verdict.kind !== 'error') return { outcome: verdict.kind, ...answered }
  return { outcome: outcomeAfter(verdict.error), code: verdict.error.code, ...answered }
}

function outcomeAfter(error: WorkerError): ApiOutcome {
  if (error instanceof UnknownOutcomeError) return 'unknown'
  if (error instanceof PermanentError || error instanceof RefusalError) return 'refused'
  return error instanceof OutageError ? 'outage' : 'failed'
}
