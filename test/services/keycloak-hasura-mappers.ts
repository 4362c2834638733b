/** The protocol mappers that write Hasura's claims into access tokens. */
export function hasuraMappers(applicationClient: string, defaultRole: string) {
  return [
    mapper('x-hasura-allowed-roles', 'oidc-usermodel-client-role-mapper', {
      'usermodel.clientRoleMapping.clientId': applicationClient,
      multivalued: 'true',
    }),
    mapper('x-hasura-default-role', 'oidc-hardcoded-claim-mapper', { 'claim.value': defaultRole }),
    mapper('x-hasura-user-id', 'oidc-usermodel-property-mapper', { 'user.attribute': 'id' }),
  ]
}

function mapper(claim: string, protocolMapper: string, config: Record<string, string>) {
  return {
    name: claim,
    protocol: 'openid-connect',
    protocolMapper,
    config: {
      ...config,
      // A dot separates levels of the claim, so the one in the host name is escaped.
      'claim.name': String.raw`https://hasura\.io/jwt/claims.${claim}`,
      'jsonType.label': 'String',
      'access.token.claim': 'true',
      'id.token.claim': 'false',
    },
  }
}
