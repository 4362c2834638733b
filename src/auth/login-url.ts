import { type Explanation, RefusalError } from '../errors.ts'

/**
 * Reads the URL that a client secret is going to be sent to. Plain `http:` is for this machine alone (RFC 6749, section
 * 2.3.1 requires TLS), unless somebody who owns the network between says otherwise.
 *
 * @param what how the message calls it, such as "OIDC_ISSUER"
 * @param allowInsecure takes `http:` to any machine; default false
 * @throws RefusalError (`client-auth`)
 */
export function parseLoginUrl(text: string, what: string, allowInsecure = false): URL {
  const url = URL.parse(text)
  if (!url) throw refusal({ found: `${what} is not a URL`, remedy: 'write it complete, beginning with https://' })
  if (url.protocol === 'https:' || (url.protocol === 'http:' && (allowInsecure || isLoopback(url)))) return url
  throw refusal({
    found: `${what} ${showUrl(url)} is not https`,
    remedy:
      "give an https address, since a secret is sent without encryption to this machine alone (localhost, 127.0.0.1, [::1]); or set ALLOW_INSECURE_ISSUER=true if the network between is nobody else's",
  })
}

/** `localhost` and everything below it (RFC 6761, section 6.3), 127.0.0.0/8 and ::1. */
export function isLoopback(url: URL): boolean {
  // The WHATWG parser has already brought addresses such as 127.1 and 0x7f.1 into their usual form.
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
}

/** The URL without what may be secret in it: user name, password, query and fragment. */
export function showUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}

function refusal(told: Explanation): RefusalError {
  return new RefusalError('client-auth', 'account', told)
}
