import { parseJson } from './parse-json.ts'
import { isObject } from './read-body.ts'
import type { Surroundings } from './surroundings.ts'

export interface TokenSource {
  /** The current token, fetched or renewed first if necessary. */
  get(signal: AbortSignal): Promise<string>
  /** Drops this token because it was rejected. @returns whether another one can be fetched */
  drop(token: string): boolean
}

interface Fetched {
  readonly token: string
  /** `expires_in` of the response, in seconds. */
  readonly expiresIn: unknown
}

/** Keeps one token in memory, and makes one fetch at a time, however many callers wait. A failed fetch isn't cached. */
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
    async get() {
      if (current && now() < current.renewAt) return current.token
      flight ??= takeOff()
      return flight
    },
    drop(token) {
      if (current?.token === token) current = undefined
      return true
    },
  }
}

/** Until 30 seconds before it expires, or a tenth of its life if that is less. */
function servesMs(lifeMs: number): number {
  return lifeMs - Math.min(30_000, lifeMs / 10)
}

/** `expires_in`, or the token's own lifetime if that is shorter or `expires_in` is missing; otherwise a minute. */
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
