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
import { parseLoginUrl, showUrl } from './login-url.ts'

/** What openid-client needs to know of the server for a grant. */
export type TokenEndpoint = Pick<ServerMetadata, 'issuer'> & {
  readonly token_endpoint: string
  /** What the server takes for itself in an assertion (RFC 7523, section 3): the issuer where it is known. */
  readonly audience: string
}

/**
 * Where tokens are to be had: the configured URL, or what discovery finds (OpenID Connect Discovery 1.0, section 4; for a
 * client with a certificate RFC 8705, section 5). What was found is remembered; a failure is not.
 *
 * @throws RefusalError (`client-auth`) when the issuer is another one than was configured, or not https;
 *   OutageError (`token-endpoint`); the signal's reason
 */
export function createTokenEndpoint(
  login: Login,
): (loginFetch: CustomFetch, signal: AbortSignal) => Promise<TokenEndpoint> {
  let found: TokenEndpoint | undefined

  return async (loginFetch, signal) => {
    found ??=
      'tokenUrl' in login.server
        ? knownEndpoint(login.server.tokenUrl, login)
        : await discoverEndpoint(login.server.issuer, login, loginFetch, signal)
    return found
  }
}

function knownEndpoint(tokenUrl: string, { allowInsecure }: Login): TokenEndpoint {
  const { href, origin } = parseLoginUrl(tokenUrl, 'TOKEN_URL', allowInsecure)
  // openid-client wants an issuer; it only matters for ID tokens, which aren't used.
  return { issuer: origin, token_endpoint: href, audience: href }
}

async function discoverEndpoint(
  configured: string,
  { clientId, method, allowInsecure }: Login,
  loginFetch: CustomFetch,
  signal: AbortSignal,
): Promise<TokenEndpoint> {
  const issuer = parseLoginUrl(configured, 'OIDC_ISSUER', allowInsecure)
  try {
    const execute = issuer.protocol === 'http:' ? [allowInsecureRequests] : []
    const client = await discovery(issuer, clientId, undefined, undefined, { [customFetch]: loginFetch, execute })
    const metadata = client.serverMetadata()
    const alias = method === 'tls_client_auth' ? metadata.mtls_endpoint_aliases?.token_endpoint : undefined
    const named = alias ?? metadata.token_endpoint ?? ''
    const endpoint = parseLoginUrl(named, `The token_endpoint that ${showUrl(issuer)} names,`, allowInsecure)
    return { issuer: metadata.issuer, token_endpoint: endpoint.href, audience: metadata.issuer }
  } catch (error) {
    signal.throwIfAborted()
    throw translateMismatch(error, issuer) ?? translateFailure(error, showUrl(issuer))
  }
}

const mismatch = z.object({
  code: z.literal('OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED'),
  cause: z.object({ body: z.object({ issuer: z.string().max(300) }) }),
})

function translateMismatch(error: unknown, issuer: URL): WorkerError | undefined {
  const named = mismatch.safeParse(error).data?.cause.body.issuer
  if (named === undefined) return undefined
  return new RefusalError(
    'client-auth',
    'account',
    `The identity provider at ${showUrl(issuer)} calls itself ${JSON.stringify(named)}: set OIDC_ISSUER to exactly that, mend the host name that it is configured with, or give the token endpoint in TOKEN_URL`,
  )
}

/**
 * Our own errors pass as they are, unwrapped from openid-client's; the rest of its errors say by their code which part of
 * an answer it could not use. Their messages and causes hold that answer, so only the code is told.
 *
 * @param url for the message
 */
export function translateFailure(error: unknown, url: string): WorkerError {
  if (error instanceof WorkerError) return error
  if (error instanceof ClientError && error.cause instanceof WorkerError) return error.cause
  const code = z.object({ code: z.string().regex(/^[A-Z_]{3,60}$/) }).safeParse(error).data?.code ?? 'no code'
  return new OutageError(
    'token-endpoint',
    'account',
    `The answer of ${url} is not what OAuth prescribes (${code}): check OIDC_ISSUER or TOKEN_URL`,
  )
}
