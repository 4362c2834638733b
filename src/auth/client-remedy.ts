import type { ClientAuthMethod } from '../account.ts'
import { findClientMeaning, type Meaning } from './keycloak-words.ts'
import type { Asker, OAuthRefusal } from './refused-grant.ts'

/**
 * What a refusal of the client means. Keycloak's description decides where it says more than the error's code, and the method
 * where both leave it open.
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
        remedy: `check CLIENT_ID, the realm, Clients → ${clientId} → Enabled, and ${origin} against ${placeOf(method, clientId)}${path}`,
      }
    }
    case 'unsupported_grant_type':
      return {
        because: `this server has no ${method === 'password' ? 'password' : 'client credentials'} grant`,
        remedy: 'check OIDC_ISSUER or TOKEN_URL',
      }
    default:
      return { remedy: `check CLIENT_ID, CLIENT_AUTH and ${origin}` }
  }
}

function wrongSecret({ clientId, origin }: Asker): string {
  return `check CLIENT_ID and the secret (${origin}) against Clients → ${clientId} → Credentials; it is wrong, was rotated, or has expired`
}

function otherAuthenticator({ clientId, method }: Asker): string {
  return `the client authenticates in another way than ${method}, so check CLIENT_AUTH against Clients → ${clientId} → Credentials → Client Authenticator`
}

const unauthorized: Readonly<Record<ClientAuthMethod, (asker: Asker) => string>> = {
  client_secret_basic: wrongSecret,
  client_secret_post: wrongSecret,
  private_key_jwt: otherAuthenticator,
  tls_client_auth: otherAuthenticator,
  password: ({ clientId, origin }) =>
    `the client has a secret that was not given, or another one, so check CLIENT_SECRET_FILE (${origin}) against Clients → ${clientId} → Credentials`,
}

const proofs: Readonly<Record<ClientAuthMethod, string>> = {
  client_secret_basic: 'its secret is wrong',
  client_secret_post: 'its secret is wrong',
  private_key_jwt: 'its assertion is not accepted',
  tls_client_auth: 'its certificate names another subject or never reached Keycloak',
  password: 'its secret is wrong',
}

/** Keycloak has the same words for a certificate that it doesn't know and for none. */
const certificatePath =
  'and that Keycloak asks for certificates (--https-client-auth=request) and whatever stands before it passes TLS through'

function placeOf(method: ClientAuthMethod, clientId: string): string {
  if (method === 'private_key_jwt') return `Clients → ${clientId} → Keys`
  return `Clients → ${clientId} → Credentials${method === 'tls_client_auth' ? ' → Subject DN' : ''}`
}
