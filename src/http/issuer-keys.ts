import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import type { HttpCallers } from '../config/config.ts'
import { ConfigError } from '../errors.ts'
import { parseJson } from '../json/parse-json.ts'
import { exchange } from '../outgoing/exchange.ts'
import { explainNamed } from '../outgoing/secure-address.ts'
import type { Clock } from '../time/clock.ts'

/** The key that a token names is unknown, and the issuer can't be asked for it now. */
export class KeysAwayError extends Error {
  readonly retryAfterSeconds: number

  constructor(retryAfterSeconds: number, options?: ErrorOptions) {
    super('The keys of the issuer cannot be fetched now', options)
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/** Times in milliseconds. */
const freshForMs = 5 * 60_000
const staleAfterMs = 10 * 60_000
/** Keys that the issuer hasn't confirmed for this long are no longer trusted: it may have revoked them. */
const trustedForMs = 24 * 60 * 60_000
const pauseAfterFailureMs = 10_000
/** Callers can't make this worker request the keys more often than this. */
const asksPerMinute = 3
/** How long a key that the issuer doesn't have is remembered: a new key may reach its replicas late. */
const absentForMs = 60_000
const absentKeys = 100

/**
 * Finds a token's key among those of the issuer. Known keys are used first, whatever the issuer's state. Keys are fetched again
 * when they are 5 minutes old, and when a token names an unknown one.
 *
 * The function throws KeysAwayError for an unknown key while the issuer can't be asked, and jose's errors for a token whose key
 * the issuer doesn't have.
 */
export function createIssuerKeys(callers: HttpCallers, clock: Pick<Clock, 'elapsed'>): JWTVerifyGetKey {
  let known: { readonly find: JWTVerifyGetKey; readonly at: number } | undefined
  let failure: { readonly error: unknown; readonly at: number } | undefined
  let pending: Promise<void> | undefined
  let asks: number[] = []
  const absent = createAbsentKeys(clock)

  /** Milliseconds until the issuer may be asked again; 0 if it may be asked now. */
  function pauseMs(): number {
    const now = clock.elapsed()
    asks = asks.filter(at => now - at < 60_000)
    const afterFailure = failure ? failure.at + pauseAfterFailureMs - now : 0
    const [oldest = now] = asks
    const afterAsks = asks.length < asksPerMinute ? 0 : oldest + 60_000 - now
    return Math.max(0, afterFailure, afterAsks)
  }

  async function ask(): Promise<void> {
    asks.push(clock.elapsed())
    try {
      known = { find: createLocalJWKSet(await fetchKeySet(callers)), at: clock.elapsed() }
      failure = undefined
    } catch (error) {
      failure = { error, at: clock.elapsed() }
    }
  }

  /** Settles when the issuer has answered or failed, however many wait for it. */
  function refresh(): Promise<void> {
    pending ??= ask().finally(() => {
      pending = undefined
    })
    return pending
  }

  const look: (...token: Parameters<JWTVerifyGetKey>) => Promise<Awaited<ReturnType<JWTVerifyGetKey>> | undefined> =
    async (header, token) => {
      if (!known || clock.elapsed() - known.at > trustedForMs) return undefined
      try {
        return await known.find(header, token)
      } catch (error) {
        if (error instanceof errors.JWKSNoMatchingKey) return undefined
        if (error instanceof errors.JWKSMultipleMatchingKeys) throw error
        throw new KeysAwayError(Math.ceil(freshForMs / 1_000), { cause: error })
      }
    }

  return async (header, token) => {
    const ageMs = known ? clock.elapsed() - known.at : 0
    if (ageMs >= freshForMs && (pending || pauseMs() === 0)) {
      const refreshed = refresh()
      // Only keys that haven't been used for long are waited for, and not while the issuer is down.
      if (ageMs >= staleAfterMs && !failure) await refreshed
    }
    const key = await look(header, token)
    if (key) return key
    if (absent.has(header.kid)) throw new errors.JWKSNoMatchingKey()
    if (!pending && pauseMs() > 0) throw new KeysAwayError(Math.ceil(pauseMs() / 1_000), { cause: failure?.error })
    await refresh()
    const found = await look(header, token)
    if (found) return found
    if (failure) throw new KeysAwayError(Math.ceil(pauseMs() / 1_000), { cause: failure.error })
    absent.add(header.kid)
    throw new errors.JWKSNoMatchingKey()
  }
}

/** Ids of keys that the issuer doesn't have; the oldest are dropped. */
function createAbsentKeys(clock: Pick<Clock, 'elapsed'>) {
  const since = new Map<string, number>()
  return {
    has: (kid = '') => clock.elapsed() - (since.get(kid) ?? Number.NEGATIVE_INFINITY) < absentForMs,
    add(kid = ''): void {
      since.delete(kid)
      since.set(kid, clock.elapsed())
      const [oldest = ''] = since.keys()
      if (since.size > absentKeys) since.delete(oldest)
    },
  }
}

const discoverySchema = z.object({ issuer: z.string(), jwks_uri: z.url() })
/** Keys of which nothing is understood are ignored (RFC 7517, section 5). */
const keySchema = z.looseObject({ kty: z.string() })
const keySetSchema = z.object({
  keys: z
    .array(z.unknown())
    .max(100)
    .transform(keys => keys.flatMap(key => keySchema.safeParse(key).data ?? [])),
})

async function fetchKeySet(callers: HttpCallers): Promise<JSONWebKeySet> {
  const { jwksUrl } = callers
  return keySetSchema.parse(await fetchJson(jwksUrl ?? (await discover(callers))))
}

/** OpenID Connect Discovery 1.0, sections 4.1 and 4.3. */
async function discover({ issuer, insecureHosts = [] }: HttpCallers): Promise<string> {
  const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const found = discoverySchema.parse(await fetchJson(address))
  if (found.issuer !== issuer) throw new TypeError(`the issuer in the document at ${address} is not HTTP_ISSUER`)
  const keysUrl = new URL(found.jwks_uri)
  const problem = explainNamed(keysUrl, 'The jwks_uri of HTTP_ISSUER', new URL(issuer), { insecureHosts })
  if (problem) throw new ConfigError([problem])
  return keysUrl.href
}

/** For each of the two requests: a document with a few keys or a few dozen URLs. */
const limits = {
  timeoutMs: 5_000,
  maxBytes: 512 * 1024,
  ifTooLarge: 'something else answers there; check HTTP_ISSUER or HTTP_JWKS_URL',
}

async function fetchJson(address: string): Promise<unknown> {
  const { status, body } = await exchange(address, {}, limits)
  if (status !== 200) throw new TypeError(`HTTP ${status} instead of keys`)
  return parseJson(new TextDecoder().decode(body))
}
