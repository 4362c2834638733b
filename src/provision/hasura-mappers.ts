import type { CheckId } from '../doctor/check.ts'
import type { HasuraTarget } from './provision-target.ts'
import type { Mapper } from './step.ts'

export interface WantedMapper extends Mapper {
  readonly check: CheckId
}

/** Keycloak's types of mappers, as named in its console. */
export const mapperTypes: Readonly<Record<string, string>> = {
  'oidc-usermodel-client-role-mapper': 'User Client Role',
  'oidc-usermodel-realm-role-mapper': 'User Realm Role',
  'oidc-hardcoded-claim-mapper': 'Hardcoded claim',
  'oidc-usermodel-property-mapper': 'User Property',
  'oidc-usermodel-attribute-mapper': 'User Attribute',
  'oidc-group-membership-mapper': 'Group Membership',
}

/** A mapper's "Add to lightweight access token". */
export const lightweightClaim = { 'lightweight.claim': 'true' } as const

/**
 * The protocol mappers that write Hasura's claims into access tokens (Hasura docs, "Authentication using JWT").
 *
 * @param lightweight whether also into lightweight tokens
 */
export function hasuraMappers(
  { application, claimPrefix }: HasuraTarget,
  defaultRole: string,
  lightweight = false,
): WantedMapper[] {
  const mapper = (claim: string, check: CheckId, protocolMapper: string, config: Record<string, string>) => ({
    check,
    name: claim,
    protocol: 'openid-connect' as const,
    protocolMapper,
    config: {
      ...config,
      'claim.name': `${claimPrefix}${claim}`,
      'jsonType.label': 'String',
      'access.token.claim': 'true',
      ...(lightweight && lightweightClaim),
    },
  })
  return [
    mapper('x-hasura-allowed-roles', 'allowed-roles', 'oidc-usermodel-client-role-mapper', {
      'usermodel.clientRoleMapping.clientId': application,
      multivalued: 'true',
    }),
    mapper('x-hasura-default-role', 'default-role', 'oidc-hardcoded-claim-mapper', { 'claim.value': defaultRole }),
    mapper('x-hasura-user-id', 'user-id', 'oidc-usermodel-property-mapper', { 'user.attribute': 'id' }),
  ]
}
