import { ConfigError, PermanentError } from '../errors.ts'
import { explainInsecure } from '../outgoing/secure-address.ts'

/** Values of a query; undefined ones are omitted, a list repeats its name. */
export type Query = Readonly<Record<string, QueryValue | readonly QueryValue[] | undefined>>
type QueryValue = string | number | boolean

/**
 * The URL below which an account's token may be sent, ending with a slash.
 *
 * @throws ConfigError
 */
export function parseApiBaseUrl(text: string, insecureHosts: readonly string[] = []): URL {
  const url = URL.parse(text)
  if (!url)
    throw new ConfigError([
      { found: 'API_BASE_URL is not a URL', remedy: 'write the complete URL, starting with https://' },
    ])
  const insecure = explainInsecure(url, 'API_BASE_URL', { insecureHosts })
  if (insecure) throw new ConfigError([insecure])
  if (url.username || url.password || url.search || url.hash) {
    throw new ConfigError([{ found: 'API_BASE_URL has a user, a query or a fragment', remedy: 'remove them' }])
  }
  if (!url.pathname.endsWith('/')) url.pathname += '/'
  return url
}

/**
 * The URL of a path such as `/partner/orgs` below the base URL, whatever its parts: an id from a row can't send the token to
 * another host or another part of the API.
 *
 * @throws PermanentError (`path`), which doesn't repeat the path
 */
export function resolveApiUrl(base: URL, path: string, query: Query | URLSearchParams = {}): URL {
  const trimmed = path.replace(/^\//, '')
  // A colon in the first segment would be parsed as a scheme, a second slash as a host.
  const url = URL.parse(`${base.href}${trimmed}`)
  if (forbiddenInPath.test(trimmed) || trimmed.split(separator).some(isDots) || !url?.href.startsWith(base.href)) {
    throw new PermanentError('path', {
      found: 'A path for the API is not below API_BASE_URL',
      remedy:
        'write it without host, query, fragment, white space and dot segments (. or ..), and encode its parts with encodeURIComponent',
    })
  }
  for (const [name, value] of query instanceof URLSearchParams ? query : Object.entries(query)) {
    for (const one of [value].flat()) if (one !== undefined) url.searchParams.append(name, String(one))
  }
  return url
}

/** A leading host or scheme, or what the URL parser drops, converts to a slash or ends the path. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const forbiddenInPath = /^\/|^[a-z][a-z\d+.-]*:\/\/|[?#\\\u0000-\u0020\u007f]/i

/** Some servers decode a slash before they split the path. */
const separator = /\/|%2f|%5c/i

/** Also with a path parameter, which some servers remove first. */
function isDots(segment: string): boolean {
  return /^(?:\.|%2e){1,2}(?:;.*)?$/i.test(segment)
}

/** The path as shown in messages: below the base URL, without the query. */
export function showApiPath(base: URL, url: URL): string {
  return `/${url.pathname.slice(base.pathname.length)}`
}
