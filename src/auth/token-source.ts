import type { Clock } from '../time/clock.ts'
import type { Token } from './token.ts'

/** Gives the account's current token; the only thing that a remote API's client needs to know about logging in. */
export interface TokenSource {
  /**
   * The current token, fetched or renewed first when there is none that lasts. Rejects with what the fetch failed with,
   * or with the signal's reason.
   */
  get(signal?: AbortSignal): Promise<Token>
  /**
   * Forget this token because an API rejected it. Does nothing when it isn't the current one any more, so that of eight
   * requests which fail at once the late ones don't discard the fresh token.
   */
  drop(token: Token): void
}

/**
 * Fetches one token. `previous` is the token that is being renewed, perhaps expired; absent for a first one and after a
 * token was dropped.
 */
export type RequestToken = (previous: Token | undefined, signal: AbortSignal) => Promise<Token>

/** Keeps one token in memory, and fetches one at a time however many wait. A failed fetch is not remembered. */
export function createTokenSource(deps: { requestToken: RequestToken; clock: Clock }): TokenSource {
  const { requestToken, clock } = deps
  let current: { token: Token; renewAt: number } | undefined
  let flight: Flight | undefined

  function takeOff(): Flight {
    const abort = new AbortController()
    const startedAt = clock.now()
    const landing = requestToken(current?.token, abort.signal).then(token => {
      if (flight === taken) current = { token, renewAt: renewAt(startedAt, token.expiresAt) }
      return token
    })
    const taken: Flight = { landing, abort, waiting: 0 }
    const end = () => {
      if (flight === taken) flight = undefined
    }
    landing.then(end, end)
    return taken
  }

  return {
    async get(signal) {
      signal?.throwIfAborted()
      if (current && clock.now() < current.renewAt) return current.token
      flight ??= takeOff()
      const joined = flight
      joined.waiting += 1
      try {
        return await unlessAborted(joined.landing, signal)
      } finally {
        joined.waiting -= 1
        if (joined.waiting === 0 && flight === joined) {
          // Everybody left: whoever comes next starts anew instead of joining a fetch that is being aborted.
          flight = undefined
          joined.abort.abort(signal?.reason)
        }
      }
    },
    drop(token) {
      if (current?.token === token) current = undefined
    },
  }
}

/**
 * When to renew a token that was asked for at `requestedAt` and expires at `expiresAt` (milliseconds since 1970): 30
 * seconds before its end, or a tenth of its life when that is less, so that a token of ten seconds serves for nine.
 */
export function renewAt(requestedAt: number, expiresAt: number): number {
  const life = Math.max(0, expiresAt - requestedAt)
  return expiresAt - Math.min(30_000, life / 10)
}

/** One fetch that is under way, and how many wait for it. */
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
