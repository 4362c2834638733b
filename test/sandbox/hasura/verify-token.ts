import { compactVerify, createRemoteJWKSet, decodeProtectedHeader, errors } from 'jose'
import { HasuraError } from './hasura-error.ts'
import type { JwtConfig } from './jwt-config.ts'
import { isJsonObject, type Json, JsonNumber, parseJson } from './lossless-json.ts'

export type TokenClaims = { [claim: string]: Json }
export type VerifyToken = (token: string) => Promise<TokenClaims>

/** Signature first, then `exp`, `iat`, `nbf`, `iss`, `aud`: the order in which the Haskell library checks them. */
export function createTokenVerifier(config: JwtConfig, now: () => number = Date.now): VerifyToken {
  const verifySignature = signatureCheck(config)
  const skew = config.allowedSkewSeconds ?? 0
  return async token => {
    const claims = await verifySignature(token)
    const nowSeconds = now() / 1000
    const exp = numericDate(claims.exp)
    const iat = numericDate(claims.iat)
    const nbf = numericDate(claims.nbf)
    if (exp !== undefined && nowSeconds >= exp + skew) throw refuse('JWTExpired')
    if (iat !== undefined && iat - skew > nowSeconds) throw refuse('JWTIssuedAtFuture')
    if (nbf !== undefined && nbf - skew > nowSeconds) throw refuse('JWTNotYetValid')
    if (config.issuer !== undefined && claims.iss !== undefined && claims.iss !== config.issuer) {
      throw refuse('JWTNotInIssuer')
    }
    const wanted = config.audience === undefined ? [] : [config.audience].flat()
    const found = claims.aud === undefined ? [] : [claims.aud].flat()
    if (wanted.length > 0 && found.length > 0 && !found.some(a => typeof a === 'string' && wanted.includes(a))) {
      throw refuse('JWTNotInAudience')
    }
    return claims
  }
}

const refuse = (what: string) => new HasuraError('invalid-jwt', `Could not verify JWT: ${what}`)

function signatureCheck(config: JwtConfig): VerifyToken {
  const keys = config.jwkUrl === undefined ? undefined : createRemoteJWKSet(new URL(config.jwkUrl))
  const secret = config.key === undefined ? undefined : new TextEncoder().encode(config.key)
  return async token => {
    const parts = token.split('.').length
    if (parts !== 3) {
      throw refuse(`JWSError (CompactDecodeError Invalid number of parts: Expected 3 parts; got ${parts})`)
    }
    try {
      decodeProtectedHeader(token)
    } catch {
      throw refuse('JWSError (JSONDecodeError "Error in $: not enough input")')
    }
    try {
      const verified =
        secret === undefined
          ? await compactVerify(token, keys ?? unreachable(), {
              algorithms: ['RS256', 'RS384', 'RS512', 'PS256', 'ES256', 'EdDSA'],
            })
          : await compactVerify(token, secret, { algorithms: ['HS256'] })
      const claims = parseJson(new TextDecoder().decode(verified.payload))
      if (!isJsonObject(claims)) throw refuse('JWTClaimsSetDecodeError "expected an object"')
      return claims
    } catch (error) {
      if (error instanceof HasuraError) throw error
      if (error instanceof errors.JWSSignatureVerificationFailed) throw refuse('JWSError JWSInvalidSignature')
      if (error instanceof SyntaxError) throw refuse('JWTClaimsSetDecodeError "Error in $: not valid JSON"')
      // No key of the set fits, an algorithm that isn't allowed, or the key set can't be had.
      throw refuse('JWSError JWSNoSignatures')
    }
  }
}

function numericDate(claim: Json | undefined): number | undefined {
  if (claim === undefined) return undefined
  if (claim instanceof JsonNumber) return Number(claim.text)
  throw refuse('JWTClaimsSetDecodeError "parsing NumericDate failed"')
}

function unreachable(): never {
  throw new Error('a JWT configuration has either a key or a key set')
}
