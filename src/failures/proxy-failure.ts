/** What a proxy's answer to CONNECT means, and what to do about it. */
export function describeRefusedTunnel(status: number): { readonly words: string; readonly remedy: string } {
  if (status === 407) {
    return {
      words: 'the proxy requires a user and a password, or refuses those that it got (HTTP 407)',
      remedy: `correct them in the proxy's URL, as in http://user:password@proxy.example:3128, with special characters as escape sequences (@ as %40); if it accepts Kerberos or NTLM only, let it accept this worker without a password, ${orDirectly}`,
    }
  }
  if (status >= 500) {
    return {
      words: `the proxy could not connect to the server (HTTP ${status})`,
      remedy: `check that the server runs, and that the proxy can resolve its name and reach it, ${orDirectly}`,
    }
  }
  return { words: `the proxy refused to connect to the server (HTTP ${status})`, remedy: tunnelRemedy }
}

const orDirectly = 'or list the server in NO_PROXY, by its name and not as a range of addresses'

export const tunnelRemedy = `allow tunnels (CONNECT) to that server and its port in the proxy that HTTPS_PROXY or HTTP_PROXY names (many allow port 443 only, and the worker uses a tunnel for http: addresses too), ${orDirectly}`

/** Of a proxy that can't be reached. */
export const proxyRemedy =
  'check that the proxy runs, and that HTTPS_PROXY or HTTP_PROXY names it, with https:// only if it expects TLS itself'
