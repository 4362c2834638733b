import {
  OutageError,
  PermanentError,
  RateLimitedError,
  RefusalError,
  UnknownOutcomeError,
  type WorkerError,
} from '../errors.ts'
import type { Log } from '../log.ts'
import type { ApiOutcome, ApiTry } from '../observer/observer.ts'
import type { Clock } from '../time/clock.ts'
import type { Token } from './token.ts'
import type { TokenSource } from './token-source.ts'

/** What a failed try means for the sender. */
export type Setback =
  /** Not executed: drop the token and try again with another one. */
  | { readonly kind: 'token-rejected'; readonly reason: string }
  /** Not executed: wait. */
  | { readonly kind: 'rate-limited'; readonly retryAfterMs: number }
  /** `isWorthAnotherTry` decides whether to try again. */
  | { readonly kind: 'error'; readonly error: WorkerError }

export interface TryDeps {
  readonly tokens: Pick<TokenSource, 'drop'>
  readonly clock: Clock
  readonly log?: Log | undefined
  /** Told of each try that was sent. */
  readonly tell?: ((tried: Omit<ApiTry, 'api'>) => void) | undefined
}

/** Measures what it is given: the exchange itself, without what had to be waited for before. */
export type Sending = <A>(exchange: () => Promise<A>) => Promise<A>

/** A request to an API that takes tokens, and how to retry it. */
export interface Attempts<T> {
  /** For whoever counts requests. */
  readonly operation: string
  /**
   * Makes one try with one token; an exception ends the request.
   *
   * @param failures of the tries before
   * @param sending to be wrapped around the exchange
   */
  tryOnce(failures: readonly WorkerError[], sending: Sending): Promise<Tried<T>>
  /** Waits for the pause that the API asks for; a no-op when the next try waits itself. */
  pause(ms: number): Promise<void>
  /** Whether the failure may be temporary and another try is harmless. */
  isWorthAnotherTry(error: WorkerError): boolean
  explainRejection(reason: string): WorkerError
  /** The message for a requested pause. */
  explainPause(ms: number): string
}

export interface Tried<T> {
  readonly verdict: { readonly kind: 'done'; readonly value: T } | Setback
  /** The token of the try; absent when none could be fetched. */
  readonly token?: Token
}

/** Pauses between tries. */
const retryPausesMs = [1_000, 2_000, 4_000]

/** Longest pause of an API that is waited for in place; with a longer one the request is deferred. */
export const longestPauseMs = 60_000

/**
 * Tries a request until its outcome is known: with another token after the first rejection, after the pauses that the API asks for, and
 * after 1, 2 and 4 seconds when a failure may be temporary.
 *
 * @throws the failure that isn't worth another try, or the last one; RateLimitedError; the signal's reason
 */
export async function tryUntilKnown<T>(
  { tokens, clock, log, tell }: TryDeps,
  signal: AbortSignal | undefined,
  attempts: Attempts<T>,
): Promise<T> {
  const failures: WorkerError[] = []
  let rejections = 0
  let pausedMs = 0
  for (;;) {
    let durationMs: number | undefined
    const { token, verdict } = await attempts.tryOnce(failures, async exchange => {
      const sentAt = clock.now()
      try {
        return await exchange()
      } finally {
        durationMs = clock.now() - sentAt
      }
    })
    if (durationMs !== undefined) tell?.({ operation: attempts.operation, outcome: outcomeOf(verdict), durationMs })
    switch (verdict.kind) {
      case 'done':
        return verdict.value
      case 'token-rejected':
        rejections += 1
        if (rejections > 1) throw attempts.explainRejection(verdict.reason)
        if (token) tokens.drop(token)
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
        failures.push(error)
        // The API accepted this token: a later rejection counts as the first again.
        rejections = 0
        log?.debug({ error, pauseMs }, 'a request failed and is retried')
        await clock.sleep(pauseMs, signal)
      }
    }
  }
}

function outcomeOf(verdict: Tried<unknown>['verdict']): ApiOutcome {
  if (verdict.kind !== 'error') return verdict.kind
  const { error } = verdict
  if (error instanceof UnknownOutcomeError) return 'unknown'
  if (error instanceof PermanentError || error instanceof RefusalError) return 'refused'
  return error instanceof OutageError ? 'outage' : 'failed'
}
