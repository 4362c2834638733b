import type { TokenEndpointResponse } from 'openid-client'
import type { Login } from '../account.ts'
import { OutageError, RefusalError } from '../errors.ts'
import { Token } from './token.ts'
import { tokenLifeMs } from './token-lifetime.ts'

/** More in a header is refused by about every server (Hasura takes 50 KiB for all headers, nginx 8 KiB for one). */
const longestToken = 50_000

/**
 * What a grant's answer gives (RFC 6749, section 5.1).
 *
 * @param sentAt the local time at which it was asked for, in milliseconds since 1970
 * @param url of the token endpoint, for messages
 * @throws OutageError (`token-endpoint`) when it can't be used as a bearer token, RefusalError (`claims`) when it is too
 *   long for a header, RefusalError (`scope`) that names the scopes that were asked for and not granted
 */
export function readTokenResponse(answer: TokenEndpointResponse, sentAt: number, login: Login, url: string): Token {
  const { access_token: value, refresh_token: refreshToken, scope } = answer
  const { clientId } = login
  // RFC 6750, section 2.1; anything else would make `fetch` throw an error that repeats the header.
  if (!/^[\x21-\x7e]+$/.test(value) || answer.token_type !== 'bearer') {
    throw new OutageError('token-endpoint', 'account', {
      found: `${url} gave a token that can't be used as a bearer token`,
      remedy: `give client "${clientId}" plain bearer tokens, not bound to a key or a certificate (DPoP, mutual TLS)`,
    })
  }
  if (value.length > longestToken) {
    throw new RefusalError('claims', 'account', {
      found: `The access token of client "${clientId}" has ${value.length} characters, more than an API takes in a header (${longestToken})`,
      remedy: `switch off Full scope allowed under Clients → ${clientId} → Client scopes → ${clientId}-dedicated → Scope, or take mappers away`,
    })
  }
  // An answer without scope grants what was asked for (RFC 6749, section 5.1).
  const granted = scope?.split(' ')
  const missing = granted ? login.scopes.filter(asked => !granted.includes(asked)) : []
  if (missing.length > 0) {
    throw new RefusalError('scope', 'account', {
      found: `Keycloak did not grant client "${clientId}" the scope ${missing.map(name => `"${name}"`).join(', ')}`,
      remedy: `add it under Clients → ${clientId} → Client scopes and switch on its Include in token scope, or take it out of SCOPE`,
    })
  }
  return new Token(value, sentAt + tokenLifeMs(answer.expires_in, value), refreshToken)
}
