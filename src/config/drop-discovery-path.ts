/** Many copy the address of the discovery document, which Keycloak's console links to, where the issuer is expected. */
export function dropDiscoveryPath(issuer: string | undefined): string | undefined {
  return issuer?.replace(/\/\.well-known\/openid-configuration$/, '')
}
