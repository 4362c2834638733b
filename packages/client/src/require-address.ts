import { ClientError } from './client-error.ts'

const ownMachine = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|.+\.localhost)$/

/**
 * The address without a trailing slash, to which paths are added.
 *
 * @param what its name in the error
 * @throws ClientError `usage`
 */
export function requireAddress(what: string, address: string, allowInsecure: boolean): string {
  // Also undefined, as `process.env.WORKER!` may be.
  if (!address) {
    throw new ClientError(
      'usage',
      `${what} is empty: set its variable, which "next build" also reads, or create the client in a function`,
    )
  }
  const endpoint = requireEndpoint(what, address, allowInsecure)
  if (new URL(endpoint).search !== '') throw notAddress(what)
  return endpoint.replace(/\/+$/, '')
}

/**
 * The address with its query, and with its trailing slash, without which some servers don't know it. A token or a secret is sent
 * there, so it must be `https:` or on this machine.
 *
 * @param what its name in the error
 * @throws ClientError `usage`
 */
export function requireEndpoint(what: string, address: string, allowInsecure: boolean): string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.hash !== '') throw notAddress(what)
  if (url.protocol === 'http:' && !allowInsecure && !ownMachine.test(url.hostname)) {
    throw new ClientError(
      'usage',
      `${what} would send a token unencrypted: use https:, or set allowInsecure inside a network that you trust`,
    )
  }
  return url.href
}

function notAddress(what: string): ClientError {
  return new ClientError('usage', `${what} is not an address: set one such as https://worker.example`)
}
