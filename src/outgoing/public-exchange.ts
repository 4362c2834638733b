import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent } from 'undici'
import { createExchange, type Exchange } from './exchange.ts'
import { isPublicAddress } from './public-address.ts'
import { createPoolSend } from './send.ts'

/** The address that a name stands for is none of the public internet; nothing was sent. */
class PrivateAddressError extends Error {
  readonly code = 'PRIVATE_ADDRESS'

  constructor(host: string) {
    super(`${host} is a private address, or stands for one`)
  }
}

/**
 * An exchange with addresses that somebody else chose: it reaches the public internet and the named hosts, and nothing else. A
 * name is resolved once for each connection; every address that it stands for is checked, and the connection goes to what was
 * checked, so an answer of the DNS that changes afterwards reaches nobody.
 *
 * It rejects with PrivateAddressError, also as the cause of what undici threw.
 *
 * @param privateHosts as URLs write them, without a port
 * @param resolve default the system's resolver
 */
export function createPublicExchange(privateHosts: readonly string[] = [], resolve: LookupFunction = lookup): Exchange {
  const isTrusted = (host: string) => privateHosts.includes(host)
  const checked: LookupFunction = (host, options, callback) => {
    resolve(host, options, (error, found, family) => {
      const addresses = typeof found === 'string' ? [found] : (found ?? []).map(({ address }) => address)
      if (error || isTrusted(host) || addresses.every(isPublicAddress)) callback(error, found, family)
      else callback(new PrivateAddressError(host), [])
    })
  }
  const agent = new Agent({ connect: { lookup: checked } })
  const exchange = createExchange(createPoolSend(agent))
  return async (address, outgoing, limits) => {
    const { hostname } = new URL(address)
    // Nobody resolves what is an address already.
    const literal = hostname.replace(/^\[|\]$/g, '')
    if (isIP(literal) !== 0 && !isTrusted(hostname) && !isPublicAddress(literal))
      throw new PrivateAddressError(hostname)
    return exchange(address, outgoing, limits)
  }
}
