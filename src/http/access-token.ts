import { decodeJwt, decodeProtectedHeader, errors, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify } from 'jose'
import { z } from 'zod'
import { type Explanation, renderExplanation, type Told, toExplanation } from '../explanation.ts'
import { ownValue } from '../names/own-value.ts'
import { longestName } from '../operations/values.ts'
import { describeSeconds } from '../time/duration.ts'
import { isStorable } from '../words/storable.ts'
import { KeysAwayError } from './issuer-keys.ts'

/**
 * The caller: the token's `sub`, and the client it was issued to (`azp`, or `client_id` of RFC 9068). At least one is present.
 */
export interface Caller {
  readonly subject: string | undefined
  readonly client: string | undefined
}

/** What a bearer token says, once the issuer's signature is verified. */
export interface AccessToken {
  readonly caller: Caller
  /** Roles of the realm and of the audience. */
  readonly roles: readonly string[]
}

/** The token is not for this worker. `caller` is set only if the issuer has signed it. */
export class TokenRefusedError extends Error implements Explanation {
  readonly found: string
  readonly remedy: string | undefined
  readonly caller: Caller | undefined

  constructor(told: Told, caller?: Caller, options?: ErrorOptions) {
    super(renderExplanation(told), options)
    const { found, remedy } = toExplanation(told)
    this.found = found
    this.remedy = remedy
    this.caller = caller
  }
}

/** Asymmetric algorithms only: not `none`, and none whose secret could be mistaken for a public key. */
const algorithms = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** Only who knows the issuer's secret can verify these. */
const shared: ReadonlySet<string> = new Set(['HS256', 'HS384', 'HS512'])
/** Seconds by which the issuer's clock may differ from this one. */
const clockTolerance = 30

/**
 * Verifies that a token is a bearer access token from the issuer for the audience: RFC 9068, section 4, and RFC 8725, sections
 * 3.11 and 3.12, which prevent other kinds of tokens from passing for one. Keycloak writes the kind into the payload's `typ`.
 *
 * @param now in milliseconds since the Unix epoch
 * @throws TokenRefusedError; KeysAwayError of `findKey`
 */
export async function verifyAccessToken(
  token: string,
  findKey: JWTVerifyGetKey,
  { issuer, audience }: { readonly issuer: string; readonly audience: string },
  now: number,
): Promise<AccessToken> {
  // A caller whose token can't be from the issuer must not make this worker request the issuer's keys.
  checkKind(token, issuer)
  const verified = await verifyWithAny(token, findKey, {
    algorithms,
    issuer,
    audience,
    requiredClaims: ['exp'],
    clockTolerance,
    currentDate: new Date(now),
  }).catch((error: unknown) => {
    throw explain(error, audience, now)
  })
  const claims = claimsSchema.safeParse(verified.payload)
  if (!claims.success) throw new TokenRefusedError(invalidClaim(claims.error.issues[0]?.path[0]))
  const { sub, azp, client_id, iat, realm_access, resource_access } = claims.data
  const caller = { subject: sub, client: azp ?? client_id }
  if (iat !== undefined && iat * 1_000 > now + clockTolerance * 1_000) {
    throw new TokenRefusedError(tooEarly('iat', iat, now), caller)
  }
  if (caller.subject === undefined && caller.client === undefined) {
    throw new TokenRefusedError({ found: 'The token names no caller', remedy: 'it needs "sub" or "azp"' })
  }
  const own = ownValue(resource_access, audience)?.roles ?? []
  return { caller, roles: [...(realm_access?.roles ?? []), ...own] }
}

/**
 * Tries each key by which the token may be signed: a token need not name one, and keys of one set may share a name (RFC 7517,
 * section 4.5).
 */
async function verifyWithAny(token: string, findKey: JWTVerifyGetKey, options: JWTVerifyOptions) {
  try {
    return await jwtVerify(token, findKey, options)
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    for await (const key of error) {
      try {
        return await jwtVerify(token, key, options)
      } catch (failure) {
        if (!(failure instanceof errors.JWSSignatureVerificationFailed || isOfKey(failure))) throw failure
      }
    }
    throw new errors.JWSSignatureVerificationFailed()
  }
}

/** jose throws it for an RSA key of fewer than 2048 bits. */
function isOfKey(error: unknown): boolean {
  return error instanceof TypeError
}

const weakKey = {
  found: "The issuer's key that the token names can't be used",
  remedy: 'let the issuer sign with an RSA key of 2048 bits or more',
}
const sharedKey = {
  found: 'The token names HS256, HS384 or HS512 as its algorithm, which only its issuer can verify',
  remedy:
    "let the issuer sign with RS256: in Keycloak, set Access token signature algorithm under the caller's client → Advanced, or Default signature algorithm under Realm settings → Tokens",
}
const notSigned = 'The token is not a JWT signed by the issuer'
const notAccess = { found: 'The token is not an access token', remedy: 'send the access token, as a bearer token' }
const isBound = {
  found: 'The token is bound to a key (cnf), which cannot be verified here',
  remedy: 'send a bearer token',
}

/**
 * Claims of only ID tokens and logout tokens (OpenID Connect Core 1.0, section 3.3.2.11; Back-Channel Logout 1.0, section 2.4).
 */
const foreignClaims = ['at_hash', 'c_hash', 's_hash', 'events']
/** Claims of only access tokens (RFC 9068, section 2.2; `scp` and `token_use` are from Entra ID and Cognito). */
const ownClaims = ['scope', 'scp', 'client_id']

function checkKind(token: string, issuer: string): void {
  const { header, payload } = decode(token)
  const isShared = shared.has(header.alg ?? '')
  if (!isShared && !algorithms.includes(header.alg ?? '')) throw new TokenRefusedError(notSigned)
  if (payload.iss !== issuer) throw new TokenRefusedError(wrongIssuer(issuer))
  // Keycloak's own: "ID", "Refresh", "Offline", "Logout", and "DPoP" for a bound one.
  if (Object.hasOwn(payload, 'cnf') || payload.typ === 'DPoP') throw new TokenRefusedError(isBound)
  if (!isAccessToken(header.typ, payload)) throw new TokenRefusedError(notAccess)
  if (isShared) throw new TokenRefusedError(sharedKey)
}

const headerKinds: ReadonlySet<string> = new Set(['jwt', 'application/jwt', 'at+jwt', 'application/at+jwt'])

/** RFC 9068 is optional: without it, the payload shows the kind, explicitly or by its other claims. */
function isAccessToken(headerKind: unknown, payload: Record<string, unknown>): boolean {
  const has = (claim: string) => Object.hasOwn(payload, claim)
  if (payload.typ !== undefined && payload.typ !== 'Bearer') return false
  if (payload.token_use !== undefined && payload.token_use !== 'access') return false
  if (foreignClaims.some(has)) return false
  if (headerKind !== undefined) return headerKinds.has(String(headerKind).toLowerCase())
  return payload.typ === 'Bearer' || payload.token_use === 'access' || (ownClaims.some(has) && !has('nonce'))
}

function decode(token: string) {
  try {
    return { header: decodeProtectedHeader(token), payload: decodeJwt(token) }
  } catch (error) {
    throw new TokenRefusedError(notSigned, undefined, { cause: error })
  }
}

/** Translates jose's errors for the caller. */
function explain(error: unknown, audience: string, now: number): unknown {
  if (error instanceof KeysAwayError) return error
  if (error instanceof errors.JWTExpired) {
    const ago = describeSeconds(Math.floor(now / 1_000) - Number(error.payload.exp))
    const found = `The token has expired ${ago} ago by this worker's clock`
    return new TokenRefusedError({ found, remedy: 'get a new one' }, callerOf(error.payload))
  }
  if (!(error instanceof errors.JWTClaimValidationFailed)) {
    if (isOfKey(error)) return new TokenRefusedError(weakKey, undefined, { cause: error })
    return new TokenRefusedError(notSigned, undefined, { cause: error })
  }
  const caller = callerOf(error.payload)
  if (error.claim === 'aud') {
    const remedy = `its audience must be "${audience}": in Keycloak, assign a role of that client to the caller, whose client needs the client scope "roles", or add an audience mapper`
    return new TokenRefusedError({ found: 'The token is not meant for this worker', remedy }, caller)
  }
  if (error.claim === 'nbf' && typeof error.payload.nbf === 'number') {
    return new TokenRefusedError(tooEarly('nbf', error.payload.nbf, now), caller)
  }
  return new TokenRefusedError(invalidClaim(error.claim), caller)
}

/** @param at in seconds since the Unix epoch */
function tooEarly(claim: 'iat' | 'nbf', at: number, now: number): Explanation {
  const ahead = describeSeconds(Math.ceil(at - now / 1_000))
  return {
    found: `The token's claim "${claim}" is ${ahead} ahead of this worker's clock`,
    remedy: "correct the clock of the worker's machine, or of the issuer's",
  }
}

function wrongIssuer(issuer: string): Explanation {
  return { found: 'The token is from another issuer', remedy: `its issuer must be ${issuer}` }
}

function invalidClaim(claim: PropertyKey | undefined): string {
  return `The token's claim "${String(claim)}" is not valid`
}

/** Stored with requests and logged, so both must be able to represent it. */
const identity = z.string().min(1).max(longestName).refine(isStorable).optional()
const identitySchema = z.object({ sub: identity, azp: identity, client_id: identity })
const rolesSchema = z.object({ roles: z.array(z.string()) })
const claimsSchema = z.object({
  ...identitySchema.shape,
  iat: z.number().optional(),
  realm_access: rolesSchema.optional(),
  resource_access: z.record(z.string(), rolesSchema.catch({ roles: [] })).optional(),
})

function callerOf(payload: unknown): Caller | undefined {
  const { data } = identitySchema.safeParse(payload)
  return data && { subject: data.sub, client: data.azp ?? data.client_id }
}
