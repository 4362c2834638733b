import { createRemoteJWKSet, customFetch, decodeJwt, errors, type JWTVerifyGetKey, jwtVerify } from 'jose'
import { z } from 'zod'
import { type Clock, systemClock } from '../clock.ts'
import type { HttpCallers } from '../config.ts'
import { exchange } from '../outgoing/exchange.ts'
import { exchangeAsFetch } from '../outgoing/exchange-as-fetch.ts'

/** Whether a caller may ask for jobs; `status` and `message` are what it is told (RFC 6750, section 3.1). */
export type Authorization =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly status: 401 | 403 | 503; readonly message: string }

export type Authorize = (authorizationHeader: string | undefined) => Promise<Authorization>

export const off: Authorize = async () =>
  refuse(403, 'Requests over HTTP are off: set HTTP_ISSUER, HTTP_AUDIENCE and HTTP_ROLE to say who may make them.')

/** Verifies a bearer token against the issuer's keys, and looks for the role among those of the realm and of the audience. */
export function createAuthorize(callers: HttpCallers, clock: Pick<Clock, 'now'> = systemClock): Authorize {
  const { issuer, audience, role } = callers
  const findKey = createKeyFinder(callers, clock)
  return async header => {
    const token = /^Bearer (\S+)$/i.exec(header ?? '')?.[1]
    if (!token) return refuse(401, 'A bearer token is needed in the Authorization header.')
    try {
      // Whoever sends nonsense must not make this worker ask the issuer.
      if (decodeJwt(token).iss !== issuer) return wrongIssuer(issuer)
      const { payload } = await jwtVerify(token, findKey, {
        issuer,
        audience,
        requiredClaims: ['exp'],
        clockTolerance: 30,
      })
      const held = rolesOf(payload, audience)
      if (held.includes(role)) return { allowed: true }
      return refuse(403, `Role "${role}" is not in the token (it holds ${held.join(', ') || 'none'}).`)
    } catch (error) {
      return explain(error, callers)
    }
  }
}

/** After the issuer's keys could not be had it is left alone for so long, in milliseconds. */
const keysPauseMs = 10_000

/** The issuer's keys: one discovery for all callers, another after one that failed, and no question for a while before it. */
function createKeyFinder({ issuer, jwksUrl }: HttpCallers, clock: Pick<Clock, 'now'>): JWTVerifyGetKey {
  let remote: Promise<JWTVerifyGetKey> | undefined
  let failure: { readonly error: unknown; readonly at: number } | undefined
  return async (header, token) => {
    if (failure && clock.now() - failure.at < keysPauseMs) throw failure.error
    remote ??= findKeys(issuer, jwksUrl).then(openKeySet)
    const tried = remote
    try {
      const keys = await tried
      return await keys(header, token)
    } catch (error) {
      if (!isAboutToken(error)) {
        failure = { error, at: clock.now() }
        // They may have moved, so whoever comes after the pause discovers them again.
        if (remote === tried) remote = undefined
      }
      throw error
    }
  }
}

function wrongIssuer(issuer: string): Authorization {
  return refuse(401, `The token is of another issuer: ${issuer} is needed.`)
}

function explain(error: unknown, { issuer, audience }: HttpCallers): Authorization {
  if (error instanceof errors.JWTExpired) return refuse(401, 'The token has expired: get a new one.')
  if (error instanceof errors.JWTClaimValidationFailed) {
    if (error.claim === 'iss') return wrongIssuer(issuer)
    if (error.claim === 'aud')
      return refuse(401, `The token is not meant for this worker: audience "${audience}" is needed.`)
    return refuse(401, `The token's claim "${error.claim}" is not valid.`)
  }
  if (!isAboutToken(error)) {
    return refuse(503, `The keys of ${issuer} can't be fetched, so no token can be verified now.`)
  }
  return refuse(401, 'The token is not valid: it is no JWT, or was not signed by the issuer.')
}

function isAboutToken(error: unknown): boolean {
  return error instanceof errors.JOSEError && !keyFailures.has(error.code)
}

/** What jose throws when the issuer's keys can't be had; all its other errors are about the token. */
const keyFailures: ReadonlySet<string> = new Set([
  errors.JOSEError.code,
  errors.JWKSTimeout.code,
  errors.JWKSInvalid.code,
  errors.JWKInvalid.code,
])

const discoverySchema = z.object({ jwks_uri: z.url() })

/** For each of the two requests: a document of a few keys, or one of a few dozen addresses. */
const keysLimits = {
  timeoutMs: 10_000,
  maxBytes: 512 * 1024,
  ifTooLarge: 'something else answers there; check HTTP_ISSUER or HTTP_JWKS_URL',
}

/** Where the keys are: as configured, or by OpenID Connect Discovery 1.0, section 4. */
async function findKeys(issuer: string, jwksUrl: string | undefined): Promise<URL> {
  if (jwksUrl !== undefined) return new URL(jwksUrl)
  const { body } = await exchange(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, {}, keysLimits)
  return new URL(discoverySchema.parse(JSON.parse(String(body))).jwks_uri)
}

function openKeySet(url: URL): JWTVerifyGetKey {
  return createRemoteJWKSet(url, { [customFetch]: exchangeAsFetch(keysLimits) })
}

const rolesSchema = z.object({
  realm_access: z.object({ roles: z.array(z.string()) }).optional(),
  resource_access: z.record(z.string(), z.object({ roles: z.array(z.string()) })).optional(),
})

function rolesOf(payload: unknown, audience: string): readonly string[] {
  const parsed = rolesSchema.safeParse(payload)
  if (!parsed.success) return []
  return [...(parsed.data.realm_access?.roles ?? []), ...(parsed.data.resource_access?.[audience]?.roles ?? [])]
}

function refuse(status: 401 | 403 | 503, message: string): Authorization {
  return { allowed: false, status, message }
}
