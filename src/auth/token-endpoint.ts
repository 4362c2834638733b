import {
  allowInsecureRequests,
  ClientError,
  type CustomFetch,
  customFetch,
  discovery,
  type ServerMetadata,
} from 'openid-client'
import { z } from 'zod'
import type { Login } from '../account.ts'
import { OutageError, RefusalError, WorkerError } from '../errors.ts'
import { showUrl } from '../outgoing/secure-address.ts'
import { quoteForeign } from '../words/foreign-words.ts'
import { parseLoginUrl, parseNamedUrl } from './login-url.ts'

/** The server metadata that openid-client needs for a grant. */
export type TokenEndpoint = Pick<ServerMetadata, 'issuer'> & {
  readonly token_endpoint: string
  /** The audience for assertions (RFC 7523, section 3): the issuer if known. */
  readonly audience: string
}

/** The token endpoint, cached from its first use until a request to it fails. */
export interface TokenEndpoints {
  /**
   * @throws RefusalError (`client-auth`) when the issuer differs from the configured one, or isn't https;
   *   OutageError (`token-endpoint`); the signal's reason
   */
  get(loginFetch: CustomFetch, signal: AbortSignal): Promise<TokenEndpoint>
  /**
   * Discovers the endpoint again after a request to it failed. A discovery that fails changes nothing.
   *
   * @returns whether the endpoint has changed; never for a configured one
   */
  hasMovedSince(failed: TokenEndpoint, loginFetch: CustomFetch, signal: AbortSignal): Promise<boolean>
}

/**
 * Uses the configured URL, or else discovery (OpenID Connect Discovery 1.0, section 4; with a client certificate RFC 8705, section 5).
 */
export function createTokenEndpoints(login: Login): TokenEndpoints {
  const { server } = login
  let known: TokenEndpoint | undefined

  return {
    async get(loginFetch, signal) {
      known ??=
        'tokenUrl' in server
          ? configuredEndpoint(server.tokenUrl, server.issuer, login)
          : await discoverEndpoint(server.issuer, login, loginFetch, signal)
      return known
    },
    async hasMovedSince(failed, loginFetch, signal) {
      if ('tokenUrl' in server) return false
      try {
        known = await discoverEndpoint(server.issuer, login, loginFetch, signal)
      } catch (error) {
        signal.throwIfAborted()
        if (error instanceof WorkerError) return false
        throw error
      }
      return known.token_endpoint !== failed.token_endpoint || known.audience !== failed.audience
    },
  }
}

function configuredEndpoint(tokenUrl: string, issuer: string | undefined, login: Login): TokenEndpoint {
  const { href, origin } = parseLoginUrl(tokenUrl, 'TOKEN_URL', login)
  // openid-client requires an issuer, which matters only for ID tokens; they aren't used.
  return { issuer: issuer ?? origin, token_endpoint: href, audience: issuer ?? href }
}

async function discoverEndpoint(
  configured: string,
  login: Login,
  loginFetch: CustomFetch,
  signal: AbortSignal,
): Promise<TokenEndpoint> {
  const { clientId, method } = login
  const issuer = parseLoginUrl(configured, 'OIDC_ISSUER', login)
  try {
    const execute = issuer.protocol === 'http:' ? [allowInsecureRequests] : []
    const client = await discovery(issuer, clientId, undefined, undefined, { [customFetch]: loginFetch, execute })
    const metadata = client.serverMetadata()
    const alias = method === 'tls_client_auth' ? metadata.mtls_endpoint_aliases?.token_endpoint : undefined
    const named = alias ?? metadata.token_endpoint
    if (named === undefined) throw withoutEndpoint(issuer)
    const endpoint = parseNamedUrl(named, `The token_endpoint that ${showUrl(issuer)} names,`, issuer, login)
    return { issuer: metadata.issuer, token_endpoint: endpoint.href, audience: metadata.issuer }
  } catch (error) {
    signal.throwIfAborted()
    throw translateMismatch(error, issuer) ?? translateFailure(error, showUrl(issuer))
  }
}

function withoutEndpoint(issuer: URL): WorkerError {
  return new RefusalError('client-auth', 'account', {
    found: `The discovery document of ${showUrl(issuer)} names no token_endpoint`,
    remedy:
      'check that OIDC_ISSUER is the issuer that gives tokens to this client, or set TOKEN_URL to its token endpoint',
  })
}

const mismatch = z.object({
  code: z.literal('OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'),
  cause: z.object({ body: z.object({ issuer: z.string().max(300) }) }),
})

function translateMismatch(error: unknown, issuer: URL): WorkerError | undefined {
  const named = mismatch.safeParse(error).data?.cause.body.issuer
  if (named === undefined) return undefined
  return new RefusalError('client-auth', 'account', {
    found: `The identity provider at ${showUrl(issuer)} has the issuer "${quoteForeign(named)}"`,
    remedy:
      "set OIDC_ISSUER to exactly that; if this machine can't reach that address, also set TOKEN_URL to the token endpoint at an address that it can reach; or correct the host name in the identity provider's configuration",
  })
}

/**
 * Translates an error of openid-client. A `WorkerError` inside it passes unchanged. Of any other only the code is shown, because messages
 * and causes hold the response.
 *
 * @param url for the message
 */
export function translateFailure(error: unknown, url: string): WorkerError {
  if (error instanceof WorkerError) return error
  if (error instanceof ClientError && error.cause instanceof WorkerError) return error.cause
  const code = z.object({ code: z.string().regex(/^[A-Z_]{3,60}$/) }).safeParse(error).data?.code ?? 'no code'
  return new OutageError('token-endpoint', 'account', {
    found: `The response of ${url} does not conform to OAuth (${code})`,
    remedy: 'check OIDC_ISSUER or TOKEN_URL',
  })
}
