import { BlockList, isIP, isIPv6 } from 'node:net'

/**
 * Whether an IP address belongs to the public internet: according to IANA's special-purpose registries (RFC 6890) it isn't
 * private, of this machine, link-local (cloud metadata), multicast or reserved. An IPv6 address that embeds an IPv4 address is
 * judged by that.
 *
 * @param address as a resolver or `URL` writes it, without brackets; anything else isn't public
 */
export function isPublicAddress(address: string): boolean {
  if (isIP(address) === 0) return false
  if (!isIPv6(address)) return !special4.check(address, 'ipv4')
  const carried = carriedAddress(address)
  if (carried !== undefined) return isPublicAddress(carried)
  return globalUnicast.check(address, 'ipv6') && !special6.check(address, 'ipv6')
}

const special4 = listOf('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
])
const globalUnicast = listOf('ipv6', [['2000::', 3]])
/** It includes protocol assignments and Teredo, documentation, and 6to4, which relays to any IPv4 address. */
const special6 = listOf('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])
/** Mapped addresses (RFC 4291, section 2.5.5.2) and those of NAT64 (RFC 6052). */
const carriers = ['::ffff:', '64:ff9b::']

function carriedAddress(address: string): string | undefined {
  // The WHATWG parser writes every address in one way, with two groups of hexadecimal digits at the end.
  const spelled = URL.parse(`http://[${address.replace(/%.*$/, '')}]/`)?.hostname.slice(1, -1) ?? ''
  const carrier = carriers.find(prefix => spelled.startsWith(prefix))
  if (carrier === undefined) return undefined
  const groups = spelled
    .slice(carrier.length)
    .split(':')
    .map(group => Number.parseInt(group || '0', 16))
  const [low = 0, high = 0] = groups.toReversed()
  return groups.length > 2 ? undefined : [high >> 8, high & 255, low >> 8, low & 255].join('.')
}

function listOf(family: 'ipv4' | 'ipv6', subnets: readonly (readonly [string, number])[]): BlockList {
  const list = new BlockList()
  for (const [network, bits] of subnets) list.addSubnet(network, bits, family)
  return list
}
