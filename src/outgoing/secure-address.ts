import type { Explanation } from '../explanation.ts'

/** Hosts, besides this machine, to which secrets may go over plain http. */
export interface PlainHttp {
  /** To any host; default false. */
  readonly allowInsecure?: boolean
  /** To these hosts, as in URLs, without a port. */
  readonly insecureHosts?: readonly string[]
}

/**
 * The rule for every address that a credential or a token is sent to, or that keys come from: https, or http on this machine (RFC
 * 6749, section 2.3.1; RFC 6750, section 5.3; OpenID Connect Discovery 1.0, section 7.1), unless the configuration allows the
 * host.
 *
 * @param what how messages name it, such as "OIDC_ISSUER"
 * @returns undefined if it may be used
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
    found: `${what} ${showUrl(url)} is not https, and without encryption secrets, tokens and keys go to this machine only (localhost, 127.0.0.1, [::1])`,
    remedy: `set an https address; or, if you trust the network in between, set ALLOW_INSECURE_HOSTS=${url.hostname}`,
  }
}

/**
 * The same for an endpoint that an issuer names. An issuer over https can't give up encryption for another host: everything in
 * its discovery document must be https too, regardless of the configuration.
 *
 * @param what how messages name the endpoint
 */
export function explainNamed(url: URL, what: string, issuer: URL, plainHttp: PlainHttp): Explanation | undefined {
  if (issuer.protocol !== 'https:' || url.protocol === 'https:') return explainInsecure(url, what, plainHttp)
  return {
    found: `${what} ${showUrl(url)} is not https, though the issuer itself is`,
    remedy:
      'correct the host name in the configuration of the identity provider (--hostname of Keycloak), and make the proxy in front of it send X-Forwarded-Proto',
  }
}

/** Whether only this machine can reach it. */
export function isLoopbackHost(host: string): boolean {
  const url = URL.parse(`http://${host.includes(':') ? `[${host}]` : host}/`)
  return url !== null && isLoopback(url)
}

/** `localhost` and everything below it (RFC 6761, section 6.3), 127.0.0.0/8 and ::1. */
function isLoopback(url: URL): boolean {
  // The WHATWG parser has already normalized addresses such as 127.1 and 0x7f.1.
  return /^(?:(?:.+\.)?localhost\.?|127(?:\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
}

/** The URL without parts that may be secret: user name, password, query and fragment. */
export function showUrl(url: URL): string {
  return `${url.protocol}//${url.host}${url.pathname}`
}
