import { decodeJwt } from 'jose'
import { readSafely } from '../failures/read-safely.ts'

/** Used when neither the response nor the token states a lifetime. */
const assumedLifeMs = 60_000

/**
 * A token's lifetime in milliseconds: the smaller of `expires_in` (seconds, RFC 6749, section 5.1) and the JWT's `exp - iat`; a missing or
 * invalid one is ignored; without either, 60 seconds. Uses durations only, so that the server's clock doesn't matter.
 */
export function tokenLifeMs(expiresIn: unknown, accessToken: string): number {
  const known = [parseExpiresIn(expiresIn), jwtLifeSeconds(accessToken)].filter(seconds => seconds !== undefined)
  return known.length === 0 ? assumedLifeMs : Math.min(...known) * 1_000
}

/** Parses `expires_in`, which some servers write as a string. @returns seconds, or undefined unless positive */
export function parseExpiresIn(value: unknown): number | undefined {
  const number = typeof value === 'string' && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value
  return typeof number === 'number' && Number.isFinite(number) && number > 0 ? number : undefined
}

function jwtLifeSeconds(accessToken: string): number | undefined {
  const { exp, iat } = readSafely(() => decodeJwt(accessToken)) ?? {}
  return typeof exp === 'number' && typeof iat === 'number' ? parseExpiresIn(exp - iat) : undefined
}
