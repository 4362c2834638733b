import type { Explanation } from '../explanation.ts'
import { explainInsecure, explainNamed, type PlainHttp } from '../outgoing/secure-address.ts'
import { refuseCredential } from './refuse-credential.ts'

/**
 * Parses a URL that a client's credential is sent to.
 *
 * @param what its name in messages, such as "OIDC_ISSUER"
 * @throws RefusalError (`client-auth`)
 */
export function parseLoginUrl(text: string, what: string, plainHttp: PlainHttp = {}): URL {
  return parseUrl(text, what, url => explainInsecure(url, what, plainHttp))
}

/** Parses the URL of an endpoint that an issuer names. */
export function parseNamedUrl(text: string, what: string, issuer: URL, plainHttp: PlainHttp = {}): URL {
  const remedy = 'correct it in the configuration of the identity provider, or set TOKEN_URL'
  return parseUrl(text, what, url => explainNamed(url, what, issuer, plainHttp), remedy)
}

function parseUrl(
  text: string,
  what: string,
  explain: (url: URL) => Explanation | undefined,
  remedy = 'write it complete, beginning with https://',
): URL {
  const url = URL.parse(text)
  if (!url) throw refuseCredential({ found: `${what} is not a URL`, remedy })
  const problem = explain(url)
  if (problem) throw refuseCredential(problem)
  return url
}
