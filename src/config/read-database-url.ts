import type { Told } from '../explanation.ts'
import { readUrl } from './read-url.ts'

/**
 * Reads DATABASE_URL. The parameter `host` may name the folder of a Unix socket, with or without a host before the path; the driver
 * prefers it (PostgreSQL documentation, section 34.1.1.2).
 */
export function readDatabaseUrl(value: string | undefined, problems: Told[]): string | undefined {
  const withHost = value?.replace(/^(postgres(?:ql)?:\/\/(?:[^/?#]*@)?)(?=\/[^?]*\?(?:.*&)?host=)/, '$1localhost')
  const isSocketMeant = value !== undefined && /^[^/]+:\/\/(?:[^/?#]*@)?\//.test(value)
  const example = isSocketMeant
    ? 'postgres://user@localhost/db, or postgres://user@/db?host=/var/run/postgresql for a Unix socket'
    : 'postgres://user@localhost/db'
  const url = readUrl(withHost, ['postgres:', 'postgresql:'], example, 'DATABASE_URL', problems)
  return url === undefined ? undefined : pinFullCheck(trustPublicAuthorities(url))
}

/** To libpq, `sslrootcert=system` means the public authorities and a full check (section 34.1.2). The driver would read a file. */
function trustPublicAuthorities(value: string): string {
  const url = new URL(value)
  if (url.searchParams.get('sslrootcert') !== 'system') return value
  url.searchParams.delete('sslrootcert')
  url.searchParams.set('sslmode', 'verify-full')
  return url.href
}

/** The driver takes these modes for `verify-full`, with a warning that isn't JSON and advises to check less. */
function pinFullCheck(value: string): string {
  if (new URL(value).searchParams.get('uselibpqcompat') === 'true') return value
  return value.replaceAll(/([?&]sslmode=)(?:prefer|require|verify-ca)(?=[&#]|$)/g, '$1verify-full')
}
