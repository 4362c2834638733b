import { type Explanation, RefusalError } from '../errors.ts'
import { explainDowngrade, explainInsecure, type PlainHttp } from '../outgoing/secure-address.ts'

/**
 * Reads the URL that a client's credential is going to be sent to.
 *
 * @param what how the message calls it, such as "OIDC_ISSUER"
 * @throws RefusalError (`client-auth`)
 */
export function parseLoginUrl(text: string, what: string, plainHttp: PlainHttp = {}): URL {
  const url = URL.parse(text)
  if (!url) throw refuseUrl({ found: `${what} is not a URL`, remedy: 'write it complete, beginning with https://' })
  const insecure = explainInsecure(url, what, plainHttp)
  if (insecure) throw refuseUrl(insecure)
  return url
}

/** The same for an endpoint that an issuer names. */
export function parseNamedUrl(text: string, what: string, issuer: URL, plainHttp: PlainHttp): URL {
  const url = parseLoginUrl(text, what, plainHttp)
  const downgrade = explainDowngrade(url, what, issuer)
  if (downgrade) throw refuseUrl(downgrade)
  return url
}

function refuseUrl(told: Explanation): RefusalError {
  return new RefusalError('client-auth', 'account', told)
}
