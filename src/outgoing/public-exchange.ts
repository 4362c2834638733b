import { lookup } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { Agent } from 'undici'
import { createExchange, type Exchange } from './exchange.ts'
import { isPublicAddress } from './public-address.ts'
import { createPoolSend } from './send.ts'

/** The name resolves to an address outside the public internet; nothing was sent. */
class PrivateAddressError extends Error {
  readonly code = 'PRIVATE_ADDRESS'

  constructor(host: string) {
    super(`${host} is a private address, or resolves to one`)
  }
}

/**
 * An exchange for addresses chosen by others: it reaches only the public internet and the named hosts. A name is resolved once
 * per connection, every address it resolves to is checked, and the connection uses a checked one, so a DNS answer that changes
 * afterwards has no effect.
 *
 * Rejects with PrivateAddressError, also as the cause of what undici threw.
 *
 * @param privateHosts as in URLs, without a port
 * @param resolve default: the system's resolver
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
    // IP addresses aren't resolved.
    const literal = hostname.replace(/^\[|\]$/g, '')
    if (isIP(literal) !== 0 && !isTrusted(hostname) && !isPublicAddress(literal))
      throw new PrivateAddressError(hostname)
    return exchange(address, outgoing, limits)
  }
}
