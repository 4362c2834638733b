import { randomUUID } from 'node:crypto'
import type { RegisteredClient } from './client-registry.ts'

export const HASURA_NAMESPACE = 'https://hasura.io/jwt/claims'

export interface TokenCircumstances {
  issuer: string
  applicationClient: string
  scope: string
  issuedAtSeconds: number
  lifetimeSeconds: number
}

/** The payload of a service account's access token as a Keycloak realm set up for Hasura writes it. */
export function accessTokenPayload(
  client: RegisteredClient,
  circumstances: TokenCircumstances,
): Record<string, unknown> {
  const { applicationClient, issuedAtSeconds } = circumstances
  return client.changeClaims({
    exp: issuedAtSeconds + circumstances.lifetimeSeconds,
    iat: issuedAtSeconds,
    jti: `trrtcc:${randomUUID()}`,
    iss: circumstances.issuer,
    aud: audience(client, applicationClient),
    sub: client.subject,
    typ: 'Bearer',
    azp: client.clientId,
    acr: '1',
    realm_access: { roles: client.realmRoles },
    resource_access: {
      ...(client.roles.length > 0 && { [applicationClient]: { roles: client.roles } }),
      account: { roles: ['manage-account', 'manage-account-links', 'view-profile'] },
    },
    scope: circumstances.scope,
    email_verified: client.emailVerified,
    preferred_username: `service-account-${client.clientId}`,
    ...(client.email !== undefined && { email: client.email }),
    client_id: client.clientId,
    ...(client.hasuraScope && { [HASURA_NAMESPACE]: hasuraClaims(client) }),
  })
}

/** A mapper without a value writes no claim: with no role assigned, `x-hasura-allowed-roles` is absent, not empty. */
function hasuraClaims(client: RegisteredClient): Record<string, unknown> {
  const defaultRole = client.explicitDefaultRole ?? client.roles[0]
  return {
    ...(defaultRole !== undefined && { 'x-hasura-default-role': defaultRole }),
    ...(client.roles.length > 0 && { 'x-hasura-allowed-roles': client.roles }),
    'x-hasura-user-id': client.subject,
  }
}

/** Keycloak adds the client whose role a user has, and writes a single audience as a string. */
function audience(client: RegisteredClient, applicationClient: string): string | string[] {
  const audiences = [...(client.roles.length > 0 ? [applicationClient] : []), 'account', ...client.audience]
  const unique = [...new Set(audiences)]
  return unique.length === 1 && unique[0] !== undefined ? unique[0] : unique
}
