import type { TokenEndpointResponse } from 'openid-client'
import type { Login } from '../account.ts'
import { OutageError, RefusalError } from '../errors.ts'
import { Token } from './token.ts'
import { tokenLifeMs } from './token-lifetime.ts'

/** Characters: servers reject larger headers (Hasura allows 50 KiB for all, nginx 8 KiB for one). */
const longestToken = 50_000

/**
 * Reads the token from a grant's response (RFC 6749, section 5.1).
 *
 * @param sentAt local time of the request, in milliseconds since 1970
 * @param url of the token endpoint, for messages
 * @throws OutageError (`token-endpoint`) when it isn't a usable bearer token, RefusalError (`claims`) when it is too long for a header,
 *   RefusalError (`scope`) with the requested scopes that were not granted
 */
export function readTokenResponse(answer: TokenEndpointResponse, sentAt: number, login: Login, url: string): Token {
  const { access_token: value, refresh_token: refreshToken, scope } = answer
  const { clientId } = login
  // RFC 6750, section 2.1; for anything else `fetch` would throw an error that quotes the header.
  if (!/^[\x21-\x7e]+$/.test(value) || answer.token_type !== 'bearer') {
    throw new OutageError('token-endpoint', 'account', {
      found: `${url} returned a token that can't be used as a bearer token`,
      remedy: `issue client "${clientId}" plain bearer tokens, not bound to a key or a certificate (DPoP, mutual TLS)`,
    })
  }
  if (value.length > longestToken) {
    throw new RefusalError('claims', 'account', {
      found: `The access token of client "${clientId}" has ${value.length} characters, more than an API accepts in a header (${longestToken})`,
      remedy: `turn off Full scope allowed under Clients → ${clientId} → Client scopes → ${clientId}-dedicated → Scope, or remove mappers`,
    })
  }
  // A response without scope grants what was requested (RFC 6749, section 5.1).
  const granted = scope?.split(' ')
  const missing = granted ? login.scopes.filter(asked => !granted.includes(asked)) : []
  if (missing.length > 0) {
    const isOfOrganization = missing.every(name => name.startsWith('organization:'))
    throw new RefusalError('scope', 'account', {
      found: `Keycloak did not grant client "${clientId}" the scope ${missing.map(name => `"${name}"`).join(', ')}`,
      remedy: isOfOrganization
        ? "make the service account's user a member of the organization (Organizations → Members), or remove it from SCOPE"
        : `add it under Clients → ${clientId} → Client scopes and turn on its Include in token scope, or remove it from SCOPE`,
    })
  }
  return new Token(value, sentAt + tokenLifeMs(answer.expires_in, value), refreshToken)
}
