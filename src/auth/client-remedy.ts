import type { ClientAuthMethod } from '../account.ts'
import type { Asker, OAuthRefusal } from './client-refusal.ts'

/**
 * What to do about a refusal of the client, with the place in Keycloak's console. Keycloak 26's descriptions are used where
 * they say more than the error's code, and the method where both leave it open.
 */
export function findRemedy(refusal: OAuthRefusal, asker: Asker): string {
  const known = described.find(([words]) => words.test(refusal.description ?? ''))
  if (known) return known[1](asker)
  const { clientId, origin, method } = asker
  switch (refusal.error) {
    case 'unauthorized_client':
      return unauthorized[method](asker)
    case 'invalid_client':
      return `the client is unknown or disabled, or ${proofs[method]}: check CLIENT_ID, the realm, Clients → ${clientId} → Enabled, and ${origin} against ${placeOf(method, clientId)}${method === 'tls_client_auth' ? `; ${certificatePath}` : ''}`
    case 'unsupported_grant_type':
      return `this server has no ${method === 'password' ? 'password' : 'client credentials'} grant: check OIDC_ISSUER or TOKEN_URL`
    default:
      return `check CLIENT_ID, CLIENT_AUTH and ${origin}`
  }
}

const described: readonly (readonly [words: RegExp, remedy: (asker: Asker) => string])[] = [
  [
    /public client/i,
    ({ clientId }) =>
      `it is a public client: switch on Client authentication under Clients → ${clientId} → Settings → Capability config`,
  ],
  [
    /service account/i,
    ({ clientId }) => `switch on Service account roles under Clients → ${clientId} → Settings → Capability config`,
  ],
  [
    /direct access grants/i,
    ({ clientId }) => `switch on Direct access grants under Clients → ${clientId} → Settings → Capability config`,
  ],
  [/user credentials/i, ({ origin }) => `user name or password is wrong: check ${origin} against Users → Credentials`],
  [
    /account disabled/i,
    () => 'the user is disabled, or locked out for a while after too many wrong passwords: check Users → Enabled',
  ],
  [
    /not fully set up/i,
    () =>
      'something is still asked of the user: set a password that is not temporary, and empty Required user actions under Users → Details',
  ],
  [
    /load public key/i,
    ({ clientId, origin }) =>
      `it has no such key of the client: import the public half of ${origin} under Clients → ${clientId} → Keys, and give in CLIENT_KEY_ID the kid that it has there, or none for an imported certificate`,
  ],
  [
    /signature/i,
    ({ clientId, origin }) =>
      `the assertion's signature is wrong: import the public half of ${origin} under Clients → ${clientId} → Keys, with the same algorithm in its \`alg\` and under Credentials → Signature algorithm`,
  ],
  [/not active|expired/i, asker => `the assertion's time is wrong: ${compareClocks(asker)}`],
  [
    /audience/i,
    () =>
      'it calls itself otherwise: give in OIDC_ISSUER, also beside TOKEN_URL, the issuer of its discovery document (Realm settings → Endpoints)',
  ],
  [
    /client_assertion/i,
    ({ clientId, method }) =>
      `it wants a signed assertion and got ${method}: set CLIENT_AUTH=private_key_jwt, or another Client Authenticator under Clients → ${clientId} → Credentials`,
  ],
]

function compareClocks({ serverAheadMs }: Asker): string {
  if (serverAheadMs === 0) return 'compare the clocks of both machines'
  const seconds = Math.round(Math.abs(serverAheadMs) / 1_000)
  return `the identity provider's clock is ${seconds} s ${serverAheadMs > 0 ? 'ahead of' : 'behind'} ours, so set both by NTP`
}

function wrongSecret({ clientId, origin }: Asker): string {
  return `check CLIENT_ID and the secret (${origin}) against Clients → ${clientId} → Credentials; it is wrong or was rotated`
}

function otherAuthenticator({ clientId, method }: Asker): string {
  return `the client authenticates in another way than ${method}: check CLIENT_AUTH against Clients → ${clientId} → Credentials → Client Authenticator`
}

const unauthorized: Readonly<Record<ClientAuthMethod, (asker: Asker) => string>> = {
  client_secret_basic: wrongSecret,
  client_secret_post: wrongSecret,
  private_key_jwt: otherAuthenticator,
  tls_client_auth: otherAuthenticator,
  password: ({ clientId, origin }) =>
    `the client has a secret that was not given, or another one: check CLIENT_SECRET_FILE (${origin}) against Clients → ${clientId} → Credentials`,
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
