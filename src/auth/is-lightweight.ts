/**
 * Whether Keycloak (26.5; older ones don't say it) says that this is a lightweight access token, which holds only the claims whose mappers have
 * Add to lightweight access token on. Its `jti` begins with two letters each for the session, the token and the grant, such as
 * `trltcc:`.
 */
export function isLightweight({ jti }: Readonly<Record<string, unknown>>): boolean {
  return typeof jti === 'string' && /^[a-z]{2}lt[a-z]{2}:/.test(jti)
}
