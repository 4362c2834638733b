import { ConfigError } from '../errors.ts'

/** The part of a server that listens. */
export interface Listener {
  /** @returns the address as a URL */
  listen(at: { readonly host: string; readonly port: number }): Promise<string>
}

/** How systems without IPv6 refuse its addresses. */
const withoutIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL']

/**
 * Listens on an address. Without IPv6, `::` is every address of IPv4.
 *
 * @param variables that name the address
 * @throws ConfigError when the system refuses
 */
export async function listen(
  server: Listener,
  { host, port }: { readonly host: string; readonly port: number },
  variables: string,
): Promise<string> {
  try {
    return await server.listen({ host, port })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (host === '::' && withoutIpv6.some(each => each === code))
      return listen(server, { host: '0.0.0.0', port }, variables)
    const why = code === 'EADDRINUSE' ? 'another process listens there' : `the system refused: ${code}`
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    throw new ConfigError([
      { found: `HTTP can't listen on ${address}, because ${why}`, remedy: `free the port, or set ${variables}` },
    ])
  }
}
