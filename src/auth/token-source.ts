import { OutageError } from '../errors.ts'
import type { Clock } from '../time/clock.ts'
import type { Token } from './token.ts'

/** Provides the account's current token: all that an API client needs to know about logging in. */
export interface TokenSource {
  /**
   * @returns the current token, fetched or renewed first if needed; one that can't be renewed now is used until it expires. Rejects
   *   with the failure of the fetch, or with the signal's reason.
   */
  get(signal?: AbortSignal): Promise<Token>
  /**
   * Fetches another token in place of one that lacks something; until there is one, it stays in use.
   *
   * @returns the current token if that is another one already. Rejects as `get` does, and when the fetch fails; also, without asking
   *   again, with an OutageError until a pause has passed that the identity provider asked for.
   */
  replace(token: Token, signal?: AbortSignal): Promise<Token>
  /** The token that was fetched last, even if it has expired; fetches none. */
  peek(): Token | undefined
  /**
   * Drops a token that an API rejected. Does nothing when it is no longer the current one, so that of several requests that fail together
   * the late ones don't drop the fresh token.
   */
  drop(token: Token): void
}

/**
 * Fetches one token. `previous` is the token to renew, which may have expired; undefined for the first one and after a token was
 * dropped.
 */
export type RequestToken = (previous: Token | undefined, signal: AbortSignal) => Promise<Token>

/** Pause after a failed renewal of a token that hasn't expired, in milliseconds. */
const renewalPauseMs = 5_000

/** Keeps one token in memory and makes one fetch at a time, however many callers wait. A failed fetch isn't cached. */
export function createTokenSource(deps: { requestToken: RequestToken; clock: Clock }): TokenSource {
  const { requestToken, clock } = deps
  let current: { token: Token; renewAt: number } | undefined
  let flight: Flight | undefined
  let pause: { readonly error: OutageError; readonly until: number } | undefined

  /** @param previous the token to renew */
  function takeOff(previous: Token | undefined): Flight {
    const abort = new AbortController()
    const startedAt = clock.now()
    const landing = requestToken(previous, abort.signal).then(token => {
      if (flight === taken) current = { token, renewAt: renewAt(startedAt, token.expiresAt) }
      return token
    })
    const taken: Flight = { landing, abort, waiting: 0 }
    const end = (error?: unknown) => {
      if (flight !== taken) return
      flight = undefined
      const isAsked = error instanceof OutageError && error.retryAfterMs !== undefined
      pause = isAsked ? { error, until: clock.elapsed() + error.retryAfterMs } : undefined
    }
    landing.then(() => end(), end)
    return taken
  }

  /** Beside a token that is still valid, no hold of the account keeps the pause. @returns undefined if none is to be kept */
  function findPause(): OutageError | undefined {
    if (!pause || !current || clock.now() >= current.token.expiresAt) return undefined
    const { error, until } = pause
    const retryAfterMs = Math.ceil(until - clock.elapsed())
    if (retryAfterMs <= 0) return undefined
    return new OutageError(error.code, error.scope, error, { cause: error, retryAfterMs })
  }

  async function fetchToken(previous: Token | undefined, signal: AbortSignal | undefined): Promise<Token> {
    if (!flight) {
      const paused = findPause()
      if (paused) throw paused
      flight = takeOff(previous)
    }
    const joined = flight
    joined.waiting += 1
    try {
      return await unlessAborted(joined.landing, signal)
    } finally {
      joined.waiting -= 1
      if (joined.waiting === 0 && flight === joined) {
        // All callers have left: the next one starts a new fetch instead of joining one that is being aborted.
        flight = undefined
        joined.abort.abort(signal?.reason)
      }
    }
  }

  async function get(signal?: AbortSignal): Promise<Token> {
    signal?.throwIfAborted()
    const known = current
    if (known && clock.now() < known.renewAt) return known.token
    try {
      return await fetchToken(known?.token, signal)
    } catch (error) {
      // A token that was dropped meanwhile is no longer the current one.
      if (!known || known !== current || !(error instanceof OutageError)) throw error
      const now = clock.now()
      if (now >= known.token.expiresAt) throw error
      known.renewAt = Math.min(now + (error.retryAfterMs ?? renewalPauseMs), known.token.expiresAt)
      return known.token
    }
  }

  return {
    get,
    async replace(token, signal) {
      if (current?.token !== token) return get(signal)
      signal?.throwIfAborted()
      return fetchToken(undefined, signal)
    },
    peek: () => current?.token,
    drop(token) {
      if (current?.token === token) current = undefined
    },
  }
}

/**
 * When to renew a token requested at `requestedAt` that expires at `expiresAt` (milliseconds since 1970): 30 seconds before it expires, or
 * a tenth of its life if that is less, but at least 1.5 seconds or half of its life: `exp` is in whole seconds, so that a token may expire
 * up to a second before `expires_in` says.
 */
export function renewAt(requestedAt: number, expiresAt: number): number {
  const life = Math.max(0, expiresAt - requestedAt)
  return expiresAt - Math.min(30_000, Math.max(life / 10, Math.min(1_500, life / 2)))
}

/** A fetch in progress, and how many callers wait for it. */
interface Flight {
  readonly landing: Promise<Token>
  readonly abort: AbortController
  waiting: number
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
