import {
  allowInsecureRequests,
  Configuration,
  clientCredentialsGrant,
  customFetch,
  genericGrantRequest,
  ResponseBodyError,
  refreshTokenGrant,
  type TokenEndpointResponse,
} from 'openid-client'
import type { Login } from '../account.ts'
import { OutageError, RefusalError } from '../errors.ts'
import { type Exchange, exchange as sendOverNetwork } from '../outgoing/exchange.ts'
import { showUrl } from '../outgoing/secure-address.ts'
import type { Clock } from '../time/clock.ts'
import { createServerTime } from '../time/server-time.ts'
import { createKnownSecrets, type KnownSecrets } from '../words/known-secrets.ts'
import { refusesClient, translateRefusal } from './client-refusal.ts'
import { type Credential, createCredentials } from './credentials.ts'
import { createLoginFetch } from './login-fetch.ts'
import type { ReadSecretFile } from './read-credential-file.ts'
import { findSentSecrets } from './sent-secrets.ts'
import type { Token } from './token.ts'
import { createTokenEndpoints, type TokenEndpoint, translateFailure } from './token-endpoint.ts'
import { readTokenResponse } from './token-response.ts'
import type { RequestToken } from './token-source.ts'

/**
 * Creates a function that gets tokens with the client credentials grant (RFC 6749, section 4.4), the password grant (section 4.3), or
 * the previous token's refresh token (section 6) if the server issued one.
 *
 * When the client is refused, its credential is read again and tried once more if it has changed, so that a rotation costs no failed
 * request. After a refusal or a failure the token endpoint is discovered again, and tried once if it has moved. Otherwise a failure
 * costs one request.
 *
 * The function rejects with RefusalError (`client-auth`, `scope` or `claims`: a person has to fix it), OutageError (`token-endpoint`: no
 * usable response, or a request to pause), or the signal's reason. Messages and causes hold no secret, and of a response only its OAuth
 * error.
 *
 * @param deps.secrets records what is sent and received, so that it can be redacted
 * @param deps.timeoutMs per HTTP request with its response; default: 10 seconds
 */
export function createRequestToken(
  login: Login,
  deps: {
    clock: Clock
    readSecretFile: ReadSecretFile
    secrets?: KnownSecrets
    exchange?: Exchange
    timeoutMs?: number
  },
): RequestToken {
  const { clock, secrets = createKnownSecrets() } = deps
  const serverTime = createServerTime(clock)
  const endpoints = createTokenEndpoints(login)
  let asked: TokenEndpoint | undefined
  const credentials = createCredentials(login, {
    clock,
    readSecretFile: deps.readSecretFile,
    changeAssertion: () => ({ audience: asked?.audience ?? '', serverNow: serverTime.now() }),
  })
  /** Tokens whose refresh token was refused: trying it again would double the requests of every attempt. */
  const unrenewable = new WeakSet<Token>()

  const createFetch = (credential: Credential, signal: AbortSignal) => {
    const { timeoutMs = 10_000 } = deps
    const exchange = credential.exchange ?? deps.exchange ?? sendOverNetwork
    return createLoginFetch({ exchange, clock, timeoutMs, signal, serverTime })
  }

  async function request(grant: Grant, credential: Credential, signal: AbortSignal): Promise<Token> {
    const loginFetch = createFetch(credential, signal)
    const endpoint = await endpoints.get(loginFetch, signal)
    asked = endpoint
    const client = createClient(endpoint, login.clientId, credential)
    client[customFetch] = (address, options) => {
      secrets.learn(...credential.secrets, ...findSentSecrets(options.headers, options.body))
      return loginFetch(address, options)
    }
    const url = showUrl(new URL(endpoint.token_endpoint))
    // Local time before sending: independent of the server's clock, and never overestimates the token's life.
    const sentAt = clock.now()
    try {
      const answer = await send(client, grant, login.scopes)
      secrets.learn(answer.access_token, answer.refresh_token)
      return readTokenResponse(answer, sentAt, login, url)
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof ResponseBodyError)) throw translateFailure(error, url)
      const { clientId, method, scopes } = login
      const { origin } = credential
      const known = secrets.all()
      const asker = { clientId, method, url, scopes, secrets: known, origin, serverAheadMs: serverTime.aheadMs() }
      throw translateRefusal({ error: error.error, description: error.error_description }, asker)
    }
  }

  /** Whether another try may succeed: the credential, the clock for assertions or the address has changed. */
  async function hasChanged(error: unknown, tried: { credential: Credential; aheadMs: number }, signal: AbortSignal) {
    if (signal.aborted) return false
    const { credential, aheadMs } = tried
    const hasCredential = mayBeRefusal(error, login) && (await credentials.hasChangedSince(credential))
    const hasClock = refusesClient(error) && login.method === 'private_key_jwt' && serverTime.aheadMs() !== aheadMs
    const hasAddress =
      asked !== undefined &&
      mayHaveMoved(error) &&
      (await endpoints.hasMovedSince(asked, createFetch(await credentials.get(), signal), signal))
    return hasCredential || hasClock || hasAddress
  }

  async function logIn(signal: AbortSignal): Promise<Token> {
    const tried = { credential: await credentials.get(), aheadMs: serverTime.aheadMs() }
    try {
      return await request({ user: tried.credential.user }, tried.credential, signal)
    } catch (error) {
      if (!(await hasChanged(error, tried, signal))) throw error
      const changed = await credentials.get()
      return await request({ user: changed.user }, changed, signal)
    }
  }

  return async (previous, signal) => {
    signal.throwIfAborted()
    if (previous?.refreshToken !== undefined && !unrenewable.has(previous)) {
      const credential = await credentials.get()
      try {
        return await request({ refreshToken: previous.refreshToken }, credential, signal)
      } catch (error) {
        if (signal.aborted) throw error
        // The next attempt logs in: a refresh token that always fails must not lock the account out.
        unrenewable.add(previous)
        // Expired, revoked or used twice: log in again, which shows whether the client itself is refused.
        if (!(error instanceof RefusalError)) throw error
        await credentials.hasChangedSince(credential)
      }
    }
    return logIn(signal)
  }
}

/** A proxy that terminates TLS may refuse a certificate too: with an HTML page, or by closing the connection. */
function mayBeRefusal(error: unknown, { method }: Login): boolean {
  return refusesClient(error) || (method === 'tls_client_auth' && error instanceof OutageError)
}

/** An abandoned address may answer with nothing, a page or a refusal. A server that asks for a pause is the right one. */
function mayHaveMoved(error: unknown): boolean {
  return refusesClient(error) || (error instanceof OutageError && error.retryAfterMs === undefined)
}

/** What the grant presents: a refresh token, a user's password, or only the client. */
type Grant = { readonly refreshToken: string } | { readonly user: Credential['user'] }

function send(client: Configuration, grant: Grant, scopes: readonly string[]): Promise<TokenEndpointResponse> {
  if ('refreshToken' in grant) return refreshTokenGrant(client, grant.refreshToken)
  const parameters = scopes.length > 0 ? { scope: scopes.join(' ') } : {}
  if (!grant.user) return clientCredentialsGrant(client, parameters)
  const { name: username, password } = grant.user
  return genericGrantRequest(client, 'password', { ...parameters, username, password })
}

function createClient(endpoint: TokenEndpoint, clientId: string, { authenticate }: Credential): Configuration {
  const { issuer, token_endpoint } = endpoint
  const client = new Configuration({ issuer, token_endpoint }, clientId, undefined, authenticate)
  if (new URL(token_endpoint).protocol === 'http:') allowInsecureRequests(client)
  return client
}
