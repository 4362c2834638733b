import { type JWTPayload, SignJWT } from 'jose'

/** A token like an identity provider's, signed with HS256. Expires in an hour unless the claims say otherwise. */
export function signToken(claims: JWTPayload, secret: string): Promise<string> {
  const exp = Math.floor(Date.now() / 1000) + 3600
  return new SignJWT({ exp, ...claims })
    .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
    .sign(new TextEncoder().encode(secret))
}

/** The claims of a user who may act as the given roles; the first is the default. */
export function hasuraClaims(userId: string, roles: readonly [string, ...string[]]): JWTPayload {
  return {
    'https://hasura.io/jwt/claims': {
      'x-hasura-allowed-roles': roles,
      'x-hasura-default-role': roles[0],
      'x-hasura-user-id': userId,
    },
  }
}
