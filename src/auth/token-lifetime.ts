import { decodeJwt } from 'jose'

/** Used when neither the answer nor the token says how long it lives. */
const assumedLifeMs = 60_000

/**
 * How long a token lives, in milliseconds: `expires_in` (seconds, RFC 6749 section 5.1), or `exp` less `iat` of a JWT where
 * that is less, or where the former is missing, zero or nonsense; else 60 seconds. Durations only, so that it doesn't
 * matter what time it is at the server.
 */
export function tokenLifeMs(expiresIn: unknown, accessToken: string): number {
  const known = [parseExpiresIn(expiresIn), jwtLifeSeconds(accessToken)].filter(seconds => seconds !== undefined)
  return known.length === 0 ? assumedLifeMs : Math.min(...known) * 1_000
}

/** The seconds that an `expires_in` says, some servers write it as a string; undefined unless they are a positive number. */
export function parseExpiresIn(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined
}

function jwtLifeSeconds(accessToken: string): number | undefined {
  try {
    const { exp, iat } = decodeJwt(accessToken)
    return typeof exp === 'number' && typeof iat === 'number' ? parseExpiresIn(exp - iat) : undefined
  } catch {
    return undefined
  }
}
