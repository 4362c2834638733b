import type { Asker } from './refused-grant.ts'

/** What some words of Keycloak's mean. */
export interface Meaning {
  /** Behind "…, because "; absent where the words themselves say it. */
  readonly because?: string
  /** What to do, with the place in Keycloak's console. */
  readonly remedy: string
}

type Row<T> = readonly [words: RegExp, meaning: T]

/** Words of Keycloak 26.5 about an address or a realm, whoever asks and whatever for. */
const addressWords: readonly Row<string>[] = [
  [
    /HTTPS required/,
    'the realm takes no plain http from this machine, so give an https address in OIDC_ISSUER or TOKEN_URL; if a proxy ends TLS, have it send X-Forwarded-Proto and start Keycloak with --proxy-headers=xforwarded; or change Realm settings → General → Require SSL',
  ],
  [/Realm not enabled/, 'the realm is disabled, so switch Enabled on at the top of Realm settings'],
  [
    /Realm does not exist/,
    'the name after /realms/ in OIDC_ISSUER or TOKEN_URL is not that of a realm, so compare it, upper and lower case too, with the list under Manage realms',
  ],
  [
    /Token not provided/,
    'the address is that of token introspection, so set TOKEN_URL to the token_endpoint under Realm settings → Endpoints',
  ],
  [
    /Missing form parameter/,
    'what was sent there was lost on the way, so give the final address in TOKEN_URL or OIDC_ISSUER and check that the proxy passes the body of requests on',
  ],
  [
    /matching target resource method|HTTP 40[45] (?:Not Found|Method Not Allowed)/,
    'Keycloak gives no tokens at that address, so set TOKEN_URL to the token_endpoint, or OIDC_ISSUER to the issuer, of the document under Realm settings → Endpoints; only an old Keycloak, or one with --http-relative-path, has /auth before /realms',
  ],
]

/**
 * @param words of an answer that is no success
 * @returns what it said, of which no part is secret, and what to do; undefined when it is about something else
 */
export function findAddressMeaning(words: string): { readonly said: string; readonly remedy: string } | undefined {
  for (const [pattern, remedy] of addressWords) {
    const said = pattern.exec(words)?.[0]
    if (said !== undefined) return { said, remedy }
  }
  return undefined
}

/** Its words about a client, or about what it proves itself with. The first that fits counts. */
const clientWords: readonly Row<(asker: Asker) => Meaning>[] = [
  [
    /public client/i,
    ({ clientId }) => ({
      because: 'it is a public client',
      remedy: `switch on Client authentication under ${capabilities(clientId)}`,
    }),
  ],
  [
    /service account for the client does not exist/i,
    ({ clientId }) => ({
      because: "its service account's user was deleted",
      remedy: `switch Service account roles off and on again under ${capabilities(clientId)}, and assign the roles anew`,
    }),
  ],
  [
    /User '.*' disabled/,
    ({ clientId }) => ({
      because: "its service account's user is disabled",
      remedy: `switch Enabled on under Clients → ${clientId} → Service account roles → service-account-${clientId}`,
    }),
  ],
  [
    /retrieve service account/i,
    ({ clientId }) => ({ remedy: `switch on Service account roles under ${capabilities(clientId)}` }),
  ],
  [
    /direct access grants/i,
    ({ clientId }) => ({ remedy: `switch on Direct access grants under ${capabilities(clientId)}` }),
  ],
  [
    /password credentials grant is prohibited/i,
    () => ({
      because: 'a client policy forbids logging in with a password',
      remedy: `use a service account with another CLIENT_AUTH, or ${exceptFrom('reject-ropc-grant')}`,
    }),
  ],
  [
    /requires user consent/i,
    ({ clientId }) => ({
      because: 'nobody is there to consent',
      remedy: `switch off Consent required under Clients → ${clientId} → Settings → Login settings`,
    }),
  ],
  [
    /user credentials/i,
    ({ origin }) => ({
      because: 'the user name or the password is wrong',
      remedy: `check ${origin} against Users → Credentials`,
    }),
  ],
  [
    /account disabled/i,
    () => ({
      because: 'the user is disabled, or locked out for a while after too many wrong passwords',
      remedy: 'check Users → Enabled',
    }),
  ],
  [
    /not fully set up/i,
    () => ({
      because: 'something is still asked of the user',
      remedy: 'set a password that is not temporary, and empty Required user actions under Users → Details',
    }),
  ],
  [
    /DPoP/,
    ({ clientId }) => ({
      because: 'its tokens are to be bound to a key (DPoP), and this worker sends plain bearer tokens',
      remedy: `switch off Require DPoP bound tokens under ${capabilities(clientId)}, or ${exceptFrom('dpop-bind-enforcer')}`,
    }),
  ],
  [
    /MTLS HoK/,
    ({ clientId }) => ({
      because: 'its tokens are to be bound to a client certificate, and this worker sends plain bearer tokens',
      remedy: `switch off OAuth 2.0 Mutual TLS Certificate Bound Access Tokens Enabled under Clients → ${clientId} → Advanced → Advanced settings, or ${exceptFrom('holder-of-key-enforcer')}`,
    }),
  ],
  [
    /authentication method not allowed/i,
    ({ method }) => ({
      because: `a client policy forbids ${method}`,
      remedy: `set CLIENT_AUTH, and the client's Client Authenticator, to a method that it allows, such as private_key_jwt, or ${exceptFrom('secure-client-authenticator')}`,
    }),
  ],
  [
    /not allowed signature algorithm/i,
    ({ origin }) => ({
      because: 'a client policy (FAPI) takes other algorithms only',
      remedy: `sign with PS256 or ES256 instead of what ${origin} signs with: give a key on the curve P-256, or an RSA key as a JWK with "alg": "PS256"`,
    }),
  ],
  [
    /Request not allowed/,
    () => ({
      because: 'a client policy rejects every request',
      remedy: exceptFrom('reject-request'),
    }),
  ],
  [
    /invalid client access type/i,
    ({ clientId }) => ({
      because: 'a client policy takes confidential clients only',
      remedy: `switch on Client authentication under ${capabilities(clientId)}`,
    }),
  ],
  [
    /loading public keys/i,
    ({ clientId }) => ({
      because: "Keycloak can't fetch the client's keys",
      remedy: `check the address under Clients → ${clientId} → Keys → JWKS URL, which has to answer to Keycloak, or import the keys there`,
    }),
  ],
  [
    /load public key/i,
    ({ clientId, origin }) => ({
      because: 'it has no such key of the client',
      remedy: `import the public half of ${origin} under Clients → ${clientId} → Keys, and give in CLIENT_KEY_ID the kid that it has there, or none for an imported certificate`,
    }),
  ],
  [
    /invalid signature algorithm/i,
    ({ clientId, origin }) => ({
      because: 'the client signs with another algorithm than Keycloak expects of it',
      remedy: `set Signature algorithm under Clients → ${clientId} → Credentials to that of ${origin}, or to Any algorithm`,
    }),
  ],
  [
    /signature/i,
    ({ clientId, origin }) => ({
      because: "the assertion's signature is wrong",
      remedy: `import the public half of ${origin} under Clients → ${clientId} → Keys, with the same algorithm in its \`alg\` and under Credentials → Signature algorithm`,
    }),
  ],
  [
    /token reuse/i,
    () => ({
      because: 'the assertion was used before',
      remedy: 'check whether a proxy between sends requests twice: an assertion is for one use',
    }),
  ],
  [
    /not active|expired|issued (?:in the future|too far)/i,
    asker => ({ because: "the assertion's time is wrong", remedy: compareClocks(asker) }),
  ],
  [
    /audience/i,
    () => ({
      because: 'it calls itself otherwise',
      remedy:
        'give in OIDC_ISSUER, also beside TOKEN_URL, the issuer of its discovery document (Realm settings → Endpoints)',
    }),
  ],
  [
    /client_assertion/i,
    ({ clientId, method }) => ({
      because: `it wants a signed assertion and got ${method}`,
      remedy: `set CLIENT_AUTH=private_key_jwt and the Client Authenticator Signed JWT under Clients → ${clientId} → Credentials, or Client Id and Secret there`,
    }),
  ],
]

/** @returns undefined when Keycloak's description tells no more than the error's code */
export function findClientMeaning(description: string | undefined, asker: Asker): Meaning | undefined {
  if (description === undefined) return undefined
  return clientWords.find(([pattern]) => pattern.test(description))?.[1](asker)
}

function capabilities(clientId: string): string {
  return `Clients → ${clientId} → Settings → Capability config`
}

/** @param executor as Keycloak's console lists it */
function exceptFrom(executor: string): string {
  return `except the client from the client policy whose profile has the executor ${executor} (Realm settings → Client policies)`
}

function compareClocks({ serverAheadMs }: Asker): string {
  if (serverAheadMs === 0) return 'compare the clocks of both machines'
  const seconds = Math.round(Math.abs(serverAheadMs) / 1_000)
  return `the identity provider's clock is ${seconds} s ${serverAheadMs > 0 ? 'ahead of' : 'behind'} ours, so set both by NTP`
}
