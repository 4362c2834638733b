import type { RegisteredClient } from './client-registry.ts'

const REALM_SCOPES = ['openid', 'email', 'profile', 'roles', 'web-origins', 'acr', 'basic', 'service_account']

/**
 * The `scope` of the response, or undefined if one of the requested scopes isn't allowed.
 * Keycloak always grants a client's default scopes; `openid` and optional ones only on request.
 */
export function grantedScope(client: RegisteredClient, requested: string | undefined): string | undefined {
  const asked = requested?.split(' ').filter(scope => scope !== '') ?? []
  const mayHave = new Set([...REALM_SCOPES, ...(client.hasuraScope ? ['hasura'] : []), ...client.scopes])
  if (asked.some(scope => !mayHave.has(scope))) return undefined
  return [
    ...(asked.includes('openid') ? ['openid'] : []),
    ...(client.hasuraScope ? ['hasura'] : []),
    'email',
    'profile',
    ...client.scopes.filter(scope => asked.includes(scope)),
  ].join(' ')
}
