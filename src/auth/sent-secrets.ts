/** The parameters of a grant that authenticate (RFC 6749, section 2.3.1; RFC 7521, section 4.2). */
const secretParameters = ['client_secret', 'client_assertion', 'password', 'refresh_token'] as const

/** Finds the secrets in a request to a token endpoint, to redact them in the response. */
export function findSentSecrets(
  headers: Readonly<Record<string, string>>,
  body: unknown,
): readonly (string | undefined)[] {
  const [, credentials] = /^\w+ (.+)$/.exec(new Headers(headers).get('authorization') ?? '') ?? []
  const parameters = body instanceof URLSearchParams ? body : new URLSearchParams(typeof body === 'string' ? body : '')
  return [credentials, ...secretParameters.map(name => parameters.get(name) ?? undefined)]
}
