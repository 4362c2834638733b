import { createRemoteJWKSet, errors, jwtVerify } from 'jose'
import { z } from 'zod'

const claimsSchema = z.object({ azp: z.string(), jti: z.string(), scope: z.string().default('') })

export interface BearerClaims {
  readonly client: string
  /** The token's own id. */
  readonly id: string
  readonly scopes: readonly string[]
}

/** The identity provider whose tokens a sandbox accepts. */
export interface Issuer {
  readonly issuer: string
  readonly jwksUrl: string
}

export type VerifyBearer = (authorization: string | undefined) => Promise<BearerClaims | undefined>

/**
 * Verifies an Authorization header by the keys of the identity provider, as APIs behind Keycloak do: signature, issuer and
 * expiry. Returns undefined for a token that is missing, malformed, expired or from another issuer.
 */
export function createBearerVerifier(
  { issuer, jwksUrl }: Issuer,
  { leewaySeconds, now }: { leewaySeconds: number; now: () => number },
): VerifyBearer {
  const keys = createRemoteJWKSet(new URL(jwksUrl))
  return async authorization => {
    const token = /^Bearer (\S+)$/i.exec(authorization ?? '')?.[1]
    if (token === undefined) return undefined
    try {
      const { payload } = await jwtVerify(token, keys, {
        issuer,
        algorithms: ['RS256'],
        clockTolerance: leewaySeconds,
        currentDate: new Date(now()),
        requiredClaims: ['exp'],
      })
      const { azp, jti, scope } = claimsSchema.parse(payload)
      return { client: azp, id: jti, scopes: scope.split(' ').filter(one => one !== '') }
    } catch (error) {
      if (error instanceof errors.JOSEError || error instanceof z.ZodError) return undefined
      throw error
    }
  }
}
