import { Provider } from 'oidc-provider'
import { ClientAdapter } from './client-adapter.ts'
import type { ClientRegistry } from './client-registry.ts'
import type { RefreshTokens } from './refresh-tokens.ts'
import type { SigningKey } from './signing-key.ts'

/** Paths under the issuer, as in Keycloak. */
export const ENDPOINT_PATHS = {
  token: '/protocol/openid-connect/token',
  jwks: '/protocol/openid-connect/certs',
  discovery: '/.well-known/openid-configuration',
} as const

/**
 * oidc-provider for discovery, keys, client authentication and the client credentials grant. An adapter, keys and the
 * switched-off development pages are given, because each default of these would print a notice.
 */
export function createProvider(
  issuer: string,
  registry: ClientRegistry,
  key: SigningKey,
  refreshTokens: RefreshTokens,
) {
  const provider = new Provider(issuer, {
    adapter: model => new ClientAdapter(registry, model),
    jwks: { keys: [{ ...key.jwk, kty: 'RSA' }] },
    routes: { token: ENDPOINT_PATHS.token, jwks: ENDPOINT_PATHS.jwks },
    clientAuthMethods: ['client_secret_basic', 'client_secret_post'],
    scopes: ['openid', 'email', 'profile', 'hasura'],
    cookies: { keys: ['no cookie is ever set'] },
    ttl: { ClientCredentials: 300 },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: false },
      pushedAuthorizationRequests: { enabled: false },
      resourceIndicators: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
  })
  provider.registerGrantType<{ refresh_token?: string }>(
    'refresh_token',
    context => {
      const { client, params } = context.oidc
      const valid = refreshTokens.isValid(params.refresh_token, client.clientId)
      context.status = valid ? 200 : 400
      // The answer itself is written where a client credentials answer is.
      context.body = valid ? {} : { error: 'invalid_grant' }
    },
    ['refresh_token', 'scope'],
  )
  return provider
}
