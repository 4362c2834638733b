import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  clientCredentialsGrant,
  customFetch,
  ResponseBodyError,
  refreshTokenGrant,
  type TokenEndpointResponse,
} from 'openid-client'
import type { Login } from '../account.ts'
import type { Clock } from '../clock.ts'
import { OutageError, RefusalError } from '../errors.ts'
import { refusesClient, translateRefusal } from './client-refusal.ts'
import { createClientSecret } from './client-secret.ts'
import { createLoginFetch } from './login-fetch.ts'
import { showUrl } from './login-url.ts'
import { Token } from './token.ts'
import { createTokenEndpoint, translateFailure } from './token-endpoint.ts'
import { tokenLifeMs } from './token-lifetime.ts'
import type { RequestToken } from './token-source.ts'

/**
 * Gets tokens with the client credentials grant (RFC 6749, section 4.4), or with the refresh token of the one before
 * (section 6) where the server gives such.
 *
 * The function rejects with RefusalError (`client-auth` or `scope`: somebody has to mend something), OutageError
 * (`token-endpoint`: no usable answer), RateLimitedError, or the signal's reason. Neither their messages nor their causes
 * hold a secret or a part of an answer beyond its OAuth error words.
 *
 * @param deps.timeoutMs for each HTTP request with its answer; default 10 seconds
 */
export function createRequestToken(
  login: Login,
  deps: {
    clock: Clock
    readSecretFile: (path: string) => Promise<string>
    fetch?: typeof fetch
    timeoutMs?: number
  },
): RequestToken {
  const { clock } = deps
  const secrets = createClientSecret(login, deps.readSecretFile)
  const findEndpoint = createTokenEndpoint(login)

  const loginFetch = (signal: AbortSignal) =>
    createLoginFetch({ fetch: deps.fetch ?? fetch, clock, timeoutMs: deps.timeoutMs ?? 10_000, signal })

  async function grant(kind: { refreshToken: string } | 'client_credentials', secret: string, signal: AbortSignal) {
    const endpoint = await findEndpoint(loginFetch(signal), signal)
    const authenticate = login.method === 'client_secret_post' ? ClientSecretPost(secret) : ClientSecretBasic(secret)
    const client = new Configuration(endpoint, login.clientId, undefined, authenticate)
    client[customFetch] = loginFetch(signal)
    const tokenUrl = new URL(endpoint.token_endpoint)
    if (tokenUrl.protocol === 'http:') allowInsecureRequests(client)
    // The local time before sending: the server's clock doesn't matter, and the life is never taken for too long.
    const sentAt = clock.now()
    try {
      const parameters = login.scopes.length > 0 ? { scope: login.scopes.join(' ') } : {}
      const answer =
        kind === 'client_credentials'
          ? await clientCredentialsGrant(client, parameters)
          : await refreshTokenGrant(client, kind.refreshToken)
      return toToken(answer, sentAt, login, showUrl(tokenUrl))
    } catch (error) {
      signal.throwIfAborted()
      const { clientId, scopes } = login
      const url = showUrl(tokenUrl)
      if (error instanceof ResponseBodyError) {
        const refusal = { error: error.error, description: error.error_description }
        throw translateRefusal(refusal, { clientId, url, scopes, secret, secretOrigin: secrets.origin })
      }
      throw translateFailure(error, url)
    }
  }

  async function logIn(signal: AbortSignal): Promise<Token> {
    const secret = await secrets.get()
    try {
      return await grant('client_credentials', secret, signal)
    } catch (error) {
      if (!refusesClient(error) || !(await secrets.hasChangedSince(secret))) throw error
      return await grant('client_credentials', await secrets.get(), signal)
    }
  }

  return async (previous, signal) => {
    signal.throwIfAborted()
    if (previous?.refreshToken !== undefined) {
      try {
        return await grant({ refreshToken: previous.refreshToken }, await secrets.get(), signal)
      } catch (error) {
        // Expired, revoked or used twice: a new login settles it, and finds out whether the client itself is refused.
        if (!(error instanceof RefusalError)) throw error
      }
    }
    return logIn(signal)
  }
}

function toToken(answer: TokenEndpointResponse, sentAt: number, login: Login, url: string): Token {
  const { access_token: value, refresh_token: refreshToken, scope } = answer
  // RFC 6750, section 2.1; anything else would make `fetch` throw an error that repeats the header.
  if (!/^[\x21-\x7e]+$/.test(value) || answer.token_type !== 'bearer') {
    throw new OutageError('token-endpoint', 'account', `${url} gave a token that can't be used as a bearer token`)
  }
  // An answer without scope grants what was asked for (RFC 6749, section 5.1).
  const granted = scope?.split(' ')
  const missing = granted ? login.scopes.filter(asked => !granted.includes(asked)) : []
  if (missing.length > 0) {
    throw new RefusalError(
      'scope',
      'account',
      `Keycloak did not grant client "${login.clientId}" the scope ${missing.map(name => `"${name}"`).join(', ')}: add it under Clients → ${login.clientId} → Client scopes and switch on its Include in token scope, or take it out of SCOPE`,
    )
  }
  return new Token(value, sentAt + tokenLifeMs(answer.expires_in, value), refreshToken)
}
