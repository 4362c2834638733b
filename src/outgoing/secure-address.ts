import type { Explanation } from '../errors.ts'

/** Where plain http may carry what is secret, beside this machine itself. */
export interface PlainHttp {
  /** To any machine; default false. */
  readonly allowInsecure?: boolean
  /** To these machines, as URLs name them, without a port. */
  readonly insecureHosts?: readonly string[]
}

/**
 * The one rule for an address that a credential or a token goes to, or that keys come from: https, or http on this machine (RFC 6749,
 * section 2.3.1; RFC 6750, section 5.3; OpenID Connect Discovery 1.0, section 7.1), unless somebody who owns the network between
 * says otherwise.
 *
 * @param what how the sentence calls it, such as "OIDC_ISSUER"
 * @returns undefined when it may be used
 */
export function explainInsecure(
  url: URL,
  what: string,
  { allowInsecure = false, insecureHosts = [] }: PlainHttp,
): Explanation | undefined {
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:' && (allowInsecure || isLoopback(url) || insecureHosts.includes(url.hostname))) {
    return undefined
  }
  return {
    found: `${what} ${showUrl(url)} is not https, and without encryption secrets, tokens and keys go to this machine alone (localhost, 127.0.0.1, [::1])`,
    remedy: `give an https address; or, if the network between is nobody else's, set ALLOW_INSECURE_HOSTS=${url.hostname}`,
  }
}

/**
 * The same for an endpoint that an issuer names. An issuer over https gives no encryption up on behalf of another: what its
 * discovery document names is https too, whatever is allowed.
 *
 * @param what how the sentence calls the endpoint
 */
export function explainNamed(url: URL, what: string, issuer: URL, plainHttp: PlainHttp): Explanation | undefined {
  if (issuer.protocol !== 'https:' || url.protocol === 'https:') return explainInsecure(url, what, plainHttp)
  return {
    found: `${what} ${showUrl(url)} is not https, though the issuer itself is`,
    remedy:
      'correct the host name in the configuration of the identity provider (--hostname of Keycloak), and have the proxy before it send X-Forwarded-Proto',
  }
}

/** What listens there can be reached from this machine alone. */
export function isLoopbackHost(host: string): boolean {
  const url = URL.parse(`http://${host.includes(':') ? `[${host}]` : host}/`)
  return url !== null && isLoopback(url)
}

/** `localhost` and everything below it (RFC 6761, section 6.3), 127.0.0.0/8 and ::1. */
function isLoopback(url: URL): boolean {
  // The WHATWG parser has already brought addresses such as 127.1 and 0x7f.1 into their usual form.
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
}

/** The URL without what may be secret in it: user name, password, query and fragment. */
export function showUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}
