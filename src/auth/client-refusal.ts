import { OutageError, RefusalError, type WorkerError } from '../errors.ts'

/** An error answer of the token endpoint (RFC 6749, section 5.2). */
export interface OAuthRefusal {
  readonly error: string
  readonly description: string | undefined
}

/** Who asked, at which URL, and where its secret comes from: what a sentence about a refusal has to name. */
export interface Asker {
  readonly clientId: string
  readonly url: string
  readonly secretOrigin: string
  readonly scopes: readonly string[]
  /** Never told: an answer that repeats it is not quoted. */
  readonly secret: string
}

/** What to tell about a refused grant. Keycloak's words are told apart because each has another remedy. */
export function translateRefusal(refusal: OAuthRefusal, asker: Asker): WorkerError {
  const said = quote(refusal, asker.secret)
  const { clientId, url } = asker
  if (refusal.error === 'invalid_scope') {
    const names = asker.scopes.join(' ')
    return new RefusalError(
      'scope',
      'account',
      `Keycloak refused the scopes "${names}" for client "${clientId}" at ${url} (${said}): check SCOPE, and that they are client scopes of that client (Clients → ${clientId} → Client scopes)`,
    )
  }
  if (refusal.error === 'temporarily_unavailable' || refusal.error === 'server_error') {
    return new OutageError(
      'token-endpoint',
      'account',
      `${url} can't give tokens now (${said}): check the identity provider`,
    )
  }
  return new RefusalError(
    'client-auth',
    'account',
    `Keycloak refused client "${clientId}" at ${url} (${said}): ${remedy(refusal, asker)}`,
  )
}

/** The client itself was refused, or what it proves itself with, so that another secret may help. */
export function refusesClient(error: unknown): boolean {
  return error instanceof RefusalError && error.code === 'client-auth'
}

function remedy(refusal: OAuthRefusal, { clientId, secretOrigin }: Asker): string {
  const description = refusal.description ?? ''
  if (/public client/i.test(description)) {
    return `it is a public client: switch on Client authentication under Clients → ${clientId} → Settings → Capability config`
  }
  if (/service account/i.test(description)) {
    return `switch on Service accounts roles under Clients → ${clientId} → Settings → Capability config`
  }
  switch (refusal.error) {
    case 'unauthorized_client':
      return `check CLIENT_ID and the secret (${secretOrigin}) against Clients → ${clientId} → Credentials; it is wrong or was rotated`
    case 'invalid_client':
      return `the client is unknown or disabled, or its secret is wrong: check CLIENT_ID, the realm, Clients → ${clientId} → Enabled, and the secret (${secretOrigin})`
    case 'unsupported_grant_type':
      return 'this server has no client credentials grant: check OIDC_ISSUER or TOKEN_URL'
    default:
      return `check CLIENT_ID, CLIENT_AUTH and the secret (${secretOrigin})`
  }
}

/** The server's words, shortened to what a line can hold, unless they repeat the secret. */
function quote({ error, description }: OAuthRefusal, secret: string): string {
  const words = description === undefined ? error : `${error}: ${description}`
  if (words.includes(secret)) return 'its words hold the secret and are not repeated'
  const plain = words.replaceAll(/[^\x20-\x7e]+/g, ' ')
  return plain.length > 200 ? `${plain.slice(0, 200)}…` : plain
}
