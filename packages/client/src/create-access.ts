import { ClientError } from './client-error.ts'
import { type Answer, exchange } from './exchange.ts'
import { findText } from './read-body.ts'
import { requireAddress, requireEndpoint } from './require-address.ts'
import type { Surroundings } from './surroundings.ts'
import { createTokenSource, type TokenSource } from './token-source.ts'

/** How the caller's own client gets its token (RFC 6749, section 4.4). */
export interface ClientCredentials {
  /** The issuer, from which the token endpoint is discovered (OpenID Connect Discovery). */
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  readonly scope?: string
}

/** A token, a function that gets one for every call, or the credentials of a client. */
export type TokenOption = string | TokenFunction | ClientCredentials
type TokenFunction = (signal?: AbortSignal) => string | Promise<string>

const deadlines = { tryMs: 10_000, totalMs: 20_000 }

/** @throws ClientError `usage` when the credentials can't be used */
export function createAccess(option: TokenOption, allowInsecure: boolean, surroundings: Surroundings): TokenSource {
  if (typeof option === 'string') return { get: async () => option, drop: () => false }
  if (typeof option === 'function') return { get: signal => callFor(option, signal), drop: () => true }
  const issuer = requireAddress('issuer', option.issuer, allowInsecure)
  let found: Promise<TokenEndpoint> | undefined
  return createTokenSource(surroundings, async () => {
    found ??= discover(issuer, allowInsecure, surroundings)
    const { body } = await found
      .then(endpoint => askForToken(endpoint, option, surroundings))
      .catch((error: unknown) => {
        // The endpoint may have moved: the next call discovers it again.
        found = undefined
        throw error
      })
    const token = findText(body, 'access_token')
    if (token === undefined) throw new ClientError('unavailable', 'The token endpoint answered without a token')
    return { token, expiresIn: body.expires_in }
  })
}

/** Its failure isn't one of the network, which would be tried again. */
async function callFor(option: TokenFunction, signal: AbortSignal): Promise<string> {
  let token: unknown
  try {
    token = await option(signal)
  } catch (cause) {
    signal.throwIfAborted()
    if (cause instanceof ClientError) throw cause
    throw new ClientError('unauthorized', 'The function of the option "token" failed', { cause })
  }
  if (typeof token === 'string' && token !== '') return token
  throw new ClientError('unauthorized', 'The function of the option "token" returned no token')
}

interface TokenEndpoint {
  readonly url: string
  readonly takesBasic: boolean
}

async function discover(issuer: string, allowInsecure: boolean, surroundings: Surroundings): Promise<TokenEndpoint> {
  const url = `${issuer}/.well-known/openid-configuration`
  const { body } = await exchange(surroundings, 'The issuer', deadlines, undefined, signal =>
    surroundings.fetch(url, { headers: { accept: 'application/json' }, redirect: 'manual', signal }),
  )
  if (findText(body, 'issuer')?.replace(/\/+$/, '') !== issuer) {
    throw new ClientError(
      'usage',
      `The issuer's own "issuer" differs from the option "issuer": set the option to the issuer's value`,
    )
  }
  const methods = body.token_endpoint_auth_methods_supported
  return {
    url: requireEndpoint("The issuer's token endpoint", findText(body, 'token_endpoint') ?? '', allowInsecure),
    // The default if the server doesn't list any: OpenID Connect Discovery 1.0, section 3.
    takesBasic: !Array.isArray(methods) || methods.includes('client_secret_basic'),
  }
}

/** An extra token does no harm, so this may be retried. */
function askForToken(
  { url, takesBasic }: TokenEndpoint,
  { clientId, clientSecret, scope }: ClientCredentials,
  surroundings: Surroundings,
): Promise<Answer> {
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(scope !== undefined && { scope }),
    ...(!takesBasic && { client_id: clientId, client_secret: clientSecret }),
  })
  const headers = {
    accept: 'application/json',
    ...(takesBasic && { authorization: `Basic ${btoa(`${encode(clientId)}:${encode(clientSecret)}`)}` }),
  }
  return exchange(surroundings, 'The token endpoint', deadlines, undefined, signal =>
    surroundings.fetch(url, { method: 'POST', headers, body: form, redirect: 'manual', signal }),
  ).catch(error => {
    // RFC 6749, section 5.2: a refusal is a 400 as well.
    if (!(error instanceof ClientError) || error.code !== 'usage') throw error
    throw new ClientError('unauthorized', error.message, { ...error, cause: error })
  })
}

/** Encodes as forms do (RFC 6749, section 2.3.1). */
function encode(text: string): string {
  return new URLSearchParams({ t: text }).toString().slice(2)
}
