import { randomUUID } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export interface SigningKey {
  /** Private, for oidc-provider, which publishes the public half. */
  readonly jwk: JWK
  sign(payload: Record<string, unknown>): Promise<string>
}

export async function createSigningKey(): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const kid = randomUUID()
  return {
    jwk: { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' },
    sign: payload => sign(payload, privateKey, kid),
  }
}

/** `typ: JWT`, not `at+jwt`: that is what Keycloak's access tokens say. */
function sign(payload: Record<string, unknown>, key: CryptoKey, kid: string): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: 'RS256', typ: 'JWT', kid }).sign(key)
}
