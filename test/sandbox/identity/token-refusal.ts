import type { RegisteredClient } from './client-registry.ts'
import { grantedScope } from './granted-scope.ts'
import type { TokenRequest } from './token-request.ts'

export interface TokenRefusal {
  status: number
  body: { error: string; error_description: string }
}

/** A refusal in the words of Keycloak 26.5, given the verdict of oidc-provider, which knows the secret; or undefined. */
export function tokenRefusal(
  client: RegisteredClient | undefined,
  request: TokenRequest,
  verdict: { status: number; error: string | undefined },
): TokenRefusal | undefined {
  // A disabled client is not told apart from an unknown one.
  if (!client?.enabled) return refusal(401, 'invalid_client', 'Invalid client or Invalid client credentials')
  if (verdict.error === 'invalid_client') {
    return refusal(401, 'unauthorized_client', 'Invalid client or Invalid client credentials')
  }
  if (verdict.error === 'unsupported_grant_type') {
    return refusal(400, 'unsupported_grant_type', 'Unsupported grant_type')
  }
  if (request.grantType === 'client_credentials' && !client.serviceAccount) {
    return refusal(401, 'unauthorized_client', 'Client not enabled to retrieve service account')
  }
  if (grantedScope(client, request.scope) === undefined) {
    return refusal(400, 'invalid_scope', `Invalid scopes: ${request.scope}`)
  }
  if (verdict.error === 'invalid_grant') return refusal(400, 'invalid_grant', 'Invalid refresh token')
  if (verdict.status !== 200) return refusal(verdict.status, verdict.error ?? 'invalid_request', 'Invalid request')
  return undefined
}

function refusal(status: number, error: string, description: string): TokenRefusal {
  return { status, body: { error, error_description: description } }
}
