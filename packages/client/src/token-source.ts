import { parseJson } from './parse-json.ts'
import { isObject } from './read-body.ts'
import type { Surroundings } from './surroundings.ts'

export interface TokenSource {
  /** The current token, fetched or renewed first where needed. */
  get(signal?: AbortSignal): Promise<string>
  /** Forgets this token because it was rejected. @returns whether another one can be had */
  drop(token: string): boolean
}

interface Fetched {
  readonly token: string
  /** As the server said it: `expires_in`, in seconds. */
  readonly expiresIn: unknown
}

/** Keeps one token in memory, and fetches one at a time however many wait. A failed fetch is not remembered. */
export function createTokenSource({ now }: Pick<Surroundings, 'now'>, fetchToken: () => Promise<Fetched>): TokenSource {
  let current: { readonly token: string; readonly renewAt: number } | undefined
  let flight: Promise<string> | undefined
  const takeOff = async (): Promise<string> => {
    const askedAt = now()
    try {
      const { token, expiresIn } = await fetchToken()
      current = { token, renewAt: askedAt + servesMs(tokenLifeMs(expiresIn, token)) }
      return token
    } finally {
      flight = undefined
    }
  }
  return {
    async get(signal) {
      signal?.throwIfAborted()
      if (current && now() < current.renewAt) return current.token
      flight ??= takeOff()
      return unlessAborted(flight, signal)
    },
    drop(token) {
      if (current?.token === token) current = undefined
      return true
    },
  }
}

/** Until 30 seconds before its end, or a tenth of its life where that is less. */
function servesMs(lifeMs: number): number {
  return lifeMs - Math.min(30_000, lifeMs / 10)
}

/** `expires_in`, or what the token says of itself where that is less or the former is missing; else a minute. */
function tokenLifeMs(expiresIn: unknown, token: string): number {
  const seconds = [Number(expiresIn), jwtLifeSeconds(token)].filter(life => Number.isFinite(life) && life > 0)
  return seconds.length === 0 ? 60_000 : Math.min(...seconds) * 1_000
}

function jwtLifeSeconds(token: string): number {
  try {
    const claims = parseJson(atob((token.split('.')[1] ?? '').replaceAll('-', '+').replaceAll('_', '/')))
    return isObject(claims) ? Number(claims.exp) - Number(claims.iat) : Number.NaN
  } catch {
    return Number.NaN
  }
}

function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
