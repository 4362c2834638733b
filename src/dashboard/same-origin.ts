import type { IncomingHttpHeaders } from 'node:http'

/**
 * Whether a browser sends this from a page of the dashboard itself (W3C Fetch Metadata; where a browser doesn't send it, as over
 * plain http, `Origin` of RFC 6454). A request with neither is refused: every browser sends one of them with a form.
 *
 * @param publicOrigin behind a proxy that changes `Host`; default what `Host` says
 */
export function isSameOrigin(headers: IncomingHttpHeaders, publicOrigin: string | undefined): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin'
  const { origin, host } = headers
  if (origin === undefined) return false
  if (publicOrigin !== undefined) return origin === publicOrigin
  return URL.parse(origin)?.host === host
}
