import type { RegisteredClient } from './client-registry.ts'

const REALM_SCOPES = ['openid', 'email', 'profile', 'roles', 'web-origins', 'acr', 'basic', 'service_account']

/**
 * The `scope` of the answer, or undefined when the client may not have one of those it asked for.
 * Keycloak grants a client's default scopes whether it asks for them or not; `openid` and optional ones have to be asked for.
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
