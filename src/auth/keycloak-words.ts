import type { Asker } from './refused-grant.ts'

/** What a message of Keycloak means. */
export interface Meaning {
  /** Follows "…, because "; absent when the message says it itself. */
  readonly because?: string
  /** What to do, and where in Keycloak's console. */
  readonly remedy: string
}

type Row<T> = readonly [words: RegExp, meaning: T]

/** Messages of Keycloak 26.5, and of 17 to 21 where they differ, about an address or a realm, for any request. */
const addressWords: readonly Row<string>[] = [
  [
    /HTTPS required/,
    'set an https address in OIDC_ISSUER or TOKEN_URL, because the realm accepts no plain http from this machine; if a proxy terminates TLS, have it send X-Forwarded-Proto and start Keycloak with --proxy-headers=xforwarded; or change Realm settings → General → Require SSL',
  ],
  [/Realm not enabled/, 'turn on Enabled at the top of Realm settings, because the realm is disabled'],
  [
    /Realm does not exist/,
    'compare the name after /realms/ in OIDC_ISSUER or TOKEN_URL with the list under Manage realms, because there is no such realm; upper and lower case differ',
  ],
  [
    /Request path not normalized/,
    'write TOKEN_URL with one / between its parts, because Keycloak refuses // since 26.4.3',
  ],
  [
    /Token not provided/,
    'set TOKEN_URL to the token_endpoint under Realm settings → Endpoints, because this address is that of token introspection',
  ],
  [
    /Missing form parameter/,
    'set TOKEN_URL or OIDC_ISSUER to the final address, and check that proxies forward the request body, because it was lost on the way',
  ],
  [
    /matching target resource method|Could not find resource for full path|No resource method found|HTTP 40[45] (?:Not Found|Method Not Allowed)/,
    'set TOKEN_URL to the token_endpoint, or OIDC_ISSUER to the issuer, of the document under Realm settings → Endpoints, because Keycloak issues no tokens at this address; only an old Keycloak, or one with --http-relative-path, has /auth before /realms',
  ],
]

/**
 * @param words of an error response
 * @returns what Keycloak said, without anything secret, and what to do; undefined when the words are about something else
 */
export function findAddressMeaning(words: string): { readonly said: string; readonly remedy: string } | undefined {
  for (const [pattern, remedy] of addressWords) {
    const said = pattern.exec(words)?.[0]
    if (said !== undefined) return { said, remedy }
  }
  return undefined
}

/** Messages about a client or a user. The first match counts. */
const clientWords: readonly Row<(asker: Asker) => Meaning>[] = [
  [
    /wrong client protocol/i,
    () => ({
      because: 'it is a client of another protocol, such as SAML',
      remedy: 'set CLIENT_ID to a client of the type OpenID Connect (Clients → Create client)',
    }),
  ],
  [
    /public client/i,
    ({ clientId }) => ({
      because: 'it is a public client',
      remedy: `turn on Client authentication under ${capabilities(clientId)}`,
    }),
  ],
  [
    /service account for the client does not exist/i,
    ({ clientId }) => ({
      because: "its service account's user was deleted",
      remedy: `turn Service account roles off and on again under ${capabilities(clientId)}, and assign the roles again`,
    }),
  ],
  [
    /User '.*' disabled/,
    ({ clientId }) => ({
      because: "its service account's user is disabled",
      remedy: `turn on Enabled under Clients → ${clientId} → Service account roles → service-account-${clientId}`,
    }),
  ],
  [
    /retrieve service account/i,
    ({ clientId }) => ({ remedy: `turn on Service account roles under ${capabilities(clientId)}` }),
  ],
  [
    /direct access grants/i,
    ({ clientId }) => ({ remedy: `turn on Direct access grants under ${capabilities(clientId)}` }),
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
      because: 'a service account cannot give consent',
      remedy: `turn off Consent required under Clients → ${clientId} → Settings → Login settings`,
    }),
  ],
  [
    /user credentials|OTP/i,
    ({ origin }) => ({
      because:
        'the user name or the password is wrong, the user is locked after too many wrong ones, or a one-time password (OTP) is expected as well',
      remedy: `check ${origin} against Users → Credentials, where there must be no Otp, and Users → Details → Temporarily locked; a service account needs no password`,
    }),
  ],
  [
    /account disabled/i,
    () => ({
      because: 'the user is disabled, or temporarily locked after too many wrong passwords',
      remedy: 'check Users → Enabled',
    }),
  ],
  [
    /not fully set up/i,
    () => ({
      because: 'the user has required actions',
      remedy: 'set a password that is not temporary, and clear Required user actions under Users → Details',
    }),
  ],
  [
    /DPoP/,
    ({ clientId }) => ({
      because: 'its tokens must be bound to a key (DPoP), but this worker sends plain bearer tokens',
      remedy: `turn off Require DPoP bound tokens under ${capabilities(clientId)}, or ${exceptFrom('dpop-bind-enforcer')}`,
    }),
  ],
  [
    /MTLS HoK/,
    ({ clientId }) => ({
      because: 'its tokens must be bound to a client certificate, but this worker sends plain bearer tokens',
      remedy: `turn off OAuth 2.0 Mutual TLS Certificate Bound Access Tokens Enabled under Clients → ${clientId} → Advanced → Advanced settings, or ${exceptFrom('holder-of-key-enforcer')}`,
    }),
  ],
  [
    /method used to get client secret/i,
    ({ clientId, method }) => ({
      because: `it does not accept its secret by ${method}`,
      remedy: `set CLIENT_AUTH to the method that it requires, or Allowed authentication method to Any under Clients → ${clientId} → Credentials`,
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
      because: 'a client policy (FAPI) requires another signature algorithm',
      remedy: `replace ${origin} by one that signs with PS256 or ES256: a key on the curve P-256, or an RSA key as a JWK with "alg": "PS256"`,
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
      because: 'a client policy allows confidential clients only',
      remedy: `turn on Client authentication under ${capabilities(clientId)}`,
    }),
  ],
]

/** Messages to a client that signed no assertion. */
const unsignedWords: readonly Row<(asker: Asker) => Meaning>[] = [
  [
    /missing client_id parameter/i,
    ({ clientId, method }) => ({
      because: `it expects a client certificate and got ${method}`,
      remedy: `set CLIENT_AUTH=tls_client_auth, or Client Authenticator to Client Id and Secret under Clients → ${clientId} → Credentials`,
    }),
  ],
  [
    /client_assertion/i,
    ({ clientId, method }) => ({
      because: `it expects a signed assertion and got ${method}`,
      remedy: `set CLIENT_AUTH=private_key_jwt and Client Authenticator to Signed JWT under Clients → ${clientId} → Credentials, or select Client Id and Secret there`,
    }),
  ],
]

/** Messages about a signed assertion, some of which other servers use for a secret, such as "expired". The first match counts. */
const assertionWords: readonly Row<(asker: Asker) => Meaning>[] = [
  [
    /client secret signed JWT/i,
    ({ clientId }) => ({
      because: 'it expects an assertion signed with its secret and got one signed with a key',
      remedy: `set Client Authenticator to Signed JWT under Clients → ${clientId} → Credentials`,
    }),
  ],
  [
    /loading public keys/i,
    ({ clientId }) => ({
      because: "Keycloak can't fetch the client's keys",
      remedy: `check the URL under Clients → ${clientId} → Keys → JWKS URL, which Keycloak must be able to reach, or import the keys there`,
    }),
  ],
  [
    /load public key/i,
    ({ clientId, origin }) => ({
      because: 'it does not know this key of the client',
      remedy: `import the public half of ${origin} under Clients → ${clientId} → Keys, and set CLIENT_KEY_ID to its kid there, or to nothing for an imported certificate`,
    }),
  ],
  [
    /invalid signature algorithm/i,
    ({ clientId, origin }) => ({
      because: 'the client signs with an algorithm that Keycloak does not expect',
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
      remedy: 'check whether a proxy repeats requests, because an assertion is for one use',
    }),
  ],
  [
    /not active|expired|issued (?:in the future|too far)/i,
    asker => ({ because: "the assertion's time is wrong", remedy: compareClocks(asker) }),
  ],
  [
    /audience/i,
    () => ({
      because: 'it does not recognize itself as the audience',
      remedy:
        'set OIDC_ISSUER, also together with TOKEN_URL, to the issuer of its discovery document (Realm settings → Endpoints)',
    }),
  ],
]

/** @returns undefined when Keycloak's description adds nothing to the error's code */
export function findClientMeaning(description: string | undefined, asker: Asker): Meaning | undefined {
  if (description === undefined) return undefined
  const own = asker.method === 'private_key_jwt' ? assertionWords : unsignedWords
  return [...clientWords, ...own].find(([pattern]) => pattern.test(description))?.[1](asker)
}

function capabilities(clientId: string): string {
  return `Clients → ${clientId} → Settings → Capability config`
}

/** @param executor name in Keycloak's console */
function exceptFrom(executor: string): string {
  return `exempt the client from the client policy whose profile has the executor ${executor} (Realm settings → Client policies)`
}

function compareClocks({ serverAheadMs }: Asker): string {
  if (serverAheadMs === 0) return 'compare the clocks of both machines'
  const seconds = Math.round(Math.abs(serverAheadMs) / 1_000)
  return `synchronize both clocks by NTP, because the identity provider's is ${seconds} s ${serverAheadMs > 0 ? 'ahead of' : 'behind'} ours`
}
