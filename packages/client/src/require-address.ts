import { ClientError } from './client-error.ts'

const ownMachine = /^(?:localhost|127(?:\.\d+){3}|\[::1\]|.+\.localhost)$/

/**
 * The address without a slash at its end. A token or a secret is sent there, so it has to be `https:` or on this machine.
 *
 * @param what names it in the error
 * @throws ClientError `usage`
 */
export function requireAddress(what: string, address: string, allowInsecure: boolean): string {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '') {
    throw new ClientError('usage', `${what} is no address: give one such as https://worker.example`)
  }
  if (url.protocol === 'http:' && !allowInsecure && !ownMachine.test(url.hostname)) {
    throw new ClientError(
      'usage',
      `${what} would send a token unencrypted: use https:, or set allowInsecure inside a network that you trust`,
    )
  }
  return url.href.replace(/\/+$/, '')
}
