import type { ClientAuthMethod } from '../account.ts'
import { findClientMeaning, type Meaning } from './keycloak-words.ts'
import type { Asker, OAuthRefusal } from './refused-grant.ts'

/**
 * Finds what a refusal of the client means: by Keycloak's description if it says more than the error's code, otherwise by the code and
 * the client's method of authentication.
 */
export function findMeaning({ error, description }: OAuthRefusal, asker: Asker): Meaning {
  const known = findClientMeaning(description, asker)
  if (known) return known
  const { clientId, origin, method } = asker
  switch (error) {
    case 'unauthorized_client':
      return { remedy: unauthorized[method](asker) }
    case 'invalid_client': {
      const path = method === 'tls_client_auth' ? `; ${certificatePath}` : ''
      return {
        because: `the client is unknown or disabled, or ${proofs[method]}`,
        remedy: `check CLIENT_ID and the realm, that the client is enabled (Clients → ${clientId}), and that ${origin} matches ${placeOf(method, clientId)}${path}`,
      }
    }
    case 'unsupported_grant_type':
      return {
        because: `this server does not support the ${method === 'password' ? 'password' : 'client credentials'} grant`,
        remedy: 'check OIDC_ISSUER or TOKEN_URL',
      }
    default:
      return { remedy: `check CLIENT_ID, CLIENT_AUTH and ${origin}` }
  }
}

function wrongSecret({ clientId, origin }: Asker): string {
  return `check CLIENT_ID, and compare the secret (${origin}) with Clients → ${clientId} → Credentials, because it is wrong, was rotated, or has expired`
}

function otherAuthenticator({ clientId, method }: Asker): string {
  return `compare CLIENT_AUTH (${method}) with Clients → ${clientId} → Credentials → Client Authenticator, because they differ`
}

const unauthorized: Readonly<Record<ClientAuthMethod, (asker: Asker) => string>> = {
  client_secret_basic: wrongSecret,
  client_secret_post: wrongSecret,
  private_key_jwt: otherAuthenticator,
  tls_client_auth: otherAuthenticator,
  password: ({ clientId, origin }) =>
    `compare CLIENT_SECRET_FILE (${origin}) with Clients → ${clientId} → Credentials, because the client's secret is missing or wrong`,
}

const proofs: Readonly<Record<ClientAuthMethod, string>> = {
  client_secret_basic: 'its secret is wrong',
  client_secret_post: 'its secret is wrong',
  private_key_jwt: 'its assertion is not accepted',
  tls_client_auth: 'its certificate has another subject or issuer, or did not reach Keycloak',
  password: 'its secret is wrong',
}

/** Keycloak says the same about an unknown certificate and a missing one. */
const certificatePath =
  'and that Keycloak requests certificates (--https-client-auth=request) and proxies in front of it pass TLS through'

function placeOf(method: ClientAuthMethod, clientId: string): string {
  if (method === 'private_key_jwt') {
    return `Clients → ${clientId} → Keys, and Client Authenticator under Credentials is Signed JWT`
  }
  const names = ' → Subject DN and, since Keycloak 26.7, Certificate Authority subject DN'
  return `Clients → ${clientId} → Credentials${method === 'tls_client_auth' ? names : ', where Client Authenticator must be Client Id and Secret'}`
}
