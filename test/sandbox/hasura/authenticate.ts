import type { IncomingHttpHeaders } from 'node:http'
import { HasuraError } from './hasura-error.ts'
import type { JwtConfig } from './jwt-config.ts'
import { type Session, sessionFromClaims } from './session.ts'
import { createTokenVerifier } from './verify-token.ts'

export type Authenticate = (headers: IncomingHttpHeaders) => Promise<Session>

/** Node gives the bytes of a header as characters; Hasura reads them as UTF-8. */
export function roleOf(headers: IncomingHttpHeaders): string | undefined {
  const role = [headers['x-hasura-role']].flat()[0]
  return role === undefined ? undefined : Buffer.from(role, 'latin1').toString('utf8')
}

export function createAuthenticator(config: JwtConfig, options: { requireRoleHeader: boolean }): Authenticate {
  const verify = createTokenVerifier(config)
  return async headers => {
    if (headers.authorization === undefined) {
      throw new HasuraError('invalid-headers', "Missing 'Authorization' or 'Cookie' header in JWT authentication mode")
    }
    const [scheme, token, ...rest] = headers.authorization.trim().split(/\s+/)
    if (scheme !== 'Bearer' || token === undefined || rest.length > 0) {
      throw new HasuraError('invalid-headers', 'Malformed Authorization header')
    }
    const claims = await verify(token)
    const role = roleOf(headers)
    if (role === undefined && options.requireRoleHeader) {
      throw new HasuraError('access-denied', 'x-hasura-role header is required')
    }
    return sessionFromClaims(config, claims, role === '' ? undefined : role)
  }
}
