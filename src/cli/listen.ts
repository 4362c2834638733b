import { ConfigError, errorCodeOf } from '../errors.ts'

/** The part of a server that listens. */
export interface Listener {
  /** @returns the address as a URL */
  listen(at: { readonly host: string; readonly port: number }): Promise<string>
}

/** The variables that name an address. */
export interface AddressVariables {
  readonly host: string
  readonly port: string
}

/** How systems without IPv6 refuse its addresses. */
const withoutIpv6 = ['EAFNOSUPPORT', 'EADDRNOTAVAIL']

/**
 * Listens on an address. Without IPv6, `::` is every address of IPv4.
 *
 * @throws ConfigError when the system refuses
 */
export async function listen(
  server: Listener,
  { host, port }: { readonly host: string; readonly port: number },
  variables: AddressVariables,
): Promise<string> {
  try {
    return await server.listen({ host, port })
  } catch (error) {
    const code = errorCodeOf(error)
    if (host === '::' && withoutIpv6.some(each => each === code))
      return listen(server, { host: '0.0.0.0', port }, variables)
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`
    const { why, remedy } = explainRefusal(code, variables)
    throw new ConfigError([{ found: `HTTP can't listen on ${address}, because ${why}`, remedy }])
  }
}

/** @param code the system's, or that of looking the host up */
function explainRefusal(code: string | undefined, { host, port }: AddressVariables): { why: string; remedy: string } {
  switch (code) {
    case 'EADDRINUSE':
      return { why: 'another process listens there', remedy: `free the port, or set ${host} and ${port}` }
    case 'EACCES':
      return { why: 'this user may not use the port', remedy: `set ${port} to a number above 1023` }
    case 'EADDRNOTAVAIL':
      return { why: 'this machine has no such address', remedy: setHost(host) }
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      // Conda and csh set HOST, to the name of a compiler's target or of the machine.
      return { why: `no address has this name (${code})`, remedy: `${setHost(host)}; another program may have set it` }
    default:
      return { why: `the system refused: ${code}`, remedy: `set ${host} and ${port}` }
  }
}

function setHost(variable: string): string {
  return `set ${variable} to an address of this machine, such as 127.0.0.1 or ::1`
}
