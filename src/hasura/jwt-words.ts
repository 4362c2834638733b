/** Why Hasura can't verify a token (the constructors of `JWTError` and `JWSError` in the Haskell package jose), and what to do. */
const jwtWords: readonly (readonly [words: RegExp, remedy: string])[] = [
  [
    /IssuedAtFuture|NotYetValid/,
    "synchronize the clocks of Hasura's and the identity provider's machines by NTP, or set allowed_skew (seconds) in HASURA_GRAPHQL_JWT_SECRET",
  ],
  [
    /JWTExpired/,
    "synchronize the clocks of Hasura's and the identity provider's machines by NTP, or raise Access Token Lifespan, because a fresh token had already expired",
  ],
  [/NotInIssuer/, "compare issuer in HASURA_GRAPHQL_JWT_SECRET with the realm's issuer"],
  [
    /NotInAudience/,
    "compare audience in HASURA_GRAPHQL_JWT_SECRET with the token's, or add an Audience mapper to the client scope",
  ],
  [
    /InvalidSignature|NoUsableKeys|NoSignatures|NoValidSignatures|KeyMismatch/,
    "compare jwk_url in HASURA_GRAPHQL_JWT_SECRET with the realm's jwks_uri; if the realm's keys were rotated, Hasura accepts them when it next reads that address, or after a restart",
  ],
  [
    /^HTTP 401, (?:Basic|Digest|Negotiate|NTLM)\b/,
    'let requests with a bearer token pass the proxy in front of Hasura, because it asks for a user and password',
  ],
  [/^Authentication hook/, 'look for the reason in the log of the authentication hook, HASURA_GRAPHQL_AUTH_HOOK'],
  [
    /Algorithm/,
    'set Access token signature algorithm of the client to the one that HASURA_GRAPHQL_JWT_SECRET names as type, or jwk_url instead of a key',
  ],
]

/** What to do about a token that Hasura doesn't accept, by Hasura's words. */
export function findJwtRemedy(words: string): string {
  return (
    jwtWords.find(([pattern]) => pattern.test(words))?.[1] ??
    "compare audience, issuer and keys in Hasura's JWT configuration with the realm's, and the clocks of both machines"
  )
}

/** What Hasura says without having verified a token, by its code, and what to do. It concerns all requests alike; none was executed. */
const unreadWords: readonly (readonly [code: string, words: RegExp, remedy: string])[] = [
  [
    'invalid-headers',
    /^(?:Missing .{1,40} header in JWT authentication mode|Malformed Authorization header|Could not find .* in Cookie header)/,
    'let the proxies in front of Hasura pass the header Authorization unchanged; header in HASURA_GRAPHQL_JWT_SECRET must be of type Authorization, its default',
  ],
  [
    'invalid-headers',
    /^Could not verify JWT: Multiple JWTs found/,
    'set another issuer in each entry of HASURA_GRAPHQL_JWT_SECRETS, because several of them are meant for this token',
  ],
  [
    'access-denied',
    /^x-hasura-(?:admin-secret|access-key|admin-secret\/x-hasura-access-key) required, but not found$/,
    'set HASURA_GRAPHQL_JWT_SECRET, because without it Hasura accepts only its admin secret',
  ],
  [
    'unexpected',
    /^(?:webhook authentication request failed$|Invalid response from authorization hook(?:$|: ))/,
    'look at the authentication hook, HASURA_GRAPHQL_AUTH_HOOK, and at its log, because it gave Hasura no answer to go by',
  ],
  [
    'invalid-params',
    /^"?x-hasura-role"? not found in session variables$/,
    'let the authentication hook, HASURA_GRAPHQL_AUTH_HOOK, answer with x-hasura-role',
  ],
]

/** What to do if Hasura says in these words that it read no token. */
export function findUnreadRemedy(code: string, words: string): string | undefined {
  return unreadWords.find(([itsCode, pattern]) => itsCode === code && pattern.test(words))?.[2]
}
