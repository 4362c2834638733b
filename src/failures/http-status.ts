import { quoteForeign } from '../words/foreign-words.ts'

/** Characters. */
const longestTold = 150

/** The status and the headers of a response. */
export interface Answered {
  readonly status: number
  readonly headers: Pick<Headers, 'get'>
}

/**
 * Statuses of a request that something on its way refused: it was not carried out, and may succeed unchanged once that is fixed
 * (RFC 9110, sections 15.5.8 and 15.5.20; RFC 8470, section 5.2).
 */
export const refusedOnTheWay: ReadonlyMap<number, string> = new Map([
  [
    407,
    'give the user and password of the proxy in HTTP_PROXY or HTTPS_PROXY, or name the server in NO_PROXY, because the proxy asks for them',
  ],
  [421, 'check which server answers for this host name, because it is not one that serves it'],
  [425, 'turn off TLS early data (0-RTT) in the proxy in front of the server'],
])

/**
 * Describes a redirect, which is never followed: "redirects to https://login.example (HTTP 302)". Of the target only the server is
 * shown, because a path or a query may hold a secret.
 */
export function describeRedirect({ status, headers }: Answered): string {
  const location = headers.get('location') ?? ''
  const target = URL.parse(location)
  const isHttp = target?.protocol === 'http:' || target?.protocol === 'https:'
  const where =
    location.startsWith('/') && !location.startsWith('//') ? 'another path' : isHttp ? target.origin : undefined
  return `redirects${where === undefined ? '' : ` to ${quoteForeign(where, [], longestTold)}`} (HTTP ${status})`
}

/**
 * Describes a rejected token: "HTTP 401", with what `WWW-Authenticate` tells about it (RFC 6750, section 3) or which other scheme it
 * asks for.
 *
 * @param secrets to redact
 */
export function describeRejection({ status, headers }: Answered, secrets: readonly string[] = []): string {
  const challenge = headers.get('www-authenticate') ?? ''
  const scheme = /^[A-Za-z][\w-]{0,30}(?=$|[\s,])/.exec(challenge)?.[0]
  if (scheme === undefined) return `HTTP ${status}`
  const other = scheme.toLowerCase() === 'bearer' ? [] : [scheme]
  const told = ['error', 'error_description'].flatMap(name => findParameter(challenge, name) ?? [])
  const said = quoteForeign([...other, ...told].join(', '), secrets, longestTold)
  return said === '' ? `HTTP ${status}` : `HTTP ${status}, ${said}`
}

/** The type of a response's content, without its parameters. */
export function describeType(headers: Answered['headers']): string {
  return /^[\w.+-]+\/[\w.+-]+/.exec(headers.get('content-type') ?? '')?.[0] ?? 'no content type'
}

function findParameter(challenge: string, name: string): string | undefined {
  const [, quoted, plain] =
    new RegExp(`[\\s,]${name}=(?:"((?:[^"\\\\]|\\\\.)*)"|([^\\s,"]+))`, 'i').exec(challenge) ?? []
  return quoted?.replaceAll(/\\(.)/g, '$1') ?? plain
}
