import type { IncomingMessage } from 'node:http'
import { request as sendRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import type { ClientCertificate } from './client-certificate.ts'
import { showUrl } from './login-url.ts'
import { refuseCredential } from './refuse-credential.ts'

/**
 * A `fetch` that shows a client certificate (RFC 8705, section 2). Node's own takes one only through a class that Node
 * doesn't export. Follows no redirect, and makes a connection for each request, so that none goes on under a certificate
 * that was replaced.
 *
 * The function rejects with RefusalError (`client-auth`) when the server refuses the certificate as such.
 */
export function createCertificateFetch({ cert, key, description }: ClientCertificate): typeof fetch {
  return async (address, init) => {
    const request = new Request(address, init)
    const url = new URL(request.url)
    if (url.protocol !== 'https:') {
      throw refuseCredential(
        `A client certificate can't be shown to ${showUrl(url)}, which is not https: give an https address, or another CLIENT_AUTH`,
      )
    }
    try {
      return await send(request, url, { cert, key })
    } catch (error) {
      request.signal.throwIfAborted()
      const alert = coded.safeParse(error).data?.code
      if (alert === undefined) throw error
      throw refuseCredential(
        `${showUrl(url)} refused the client certificate (${description}; ${alert}): check that it is valid, and that its authority is in the truststore of the identity provider`,
      )
    }
  }
}

/** The names that Node makes of a TLS alert (RFC 8446, section 6.2) about what we showed. */
const coded = z.object({
  code: z.string().regex(/^ERR_SSL_[A-Z0-9_/]*ALERT_(?:[A-Z_]*CERTIFICATE[A-Z_]*|UNKNOWN_CA|ACCESS_DENIED)$/),
})

async function send(request: Request, url: URL, certificate: { cert: string; key: string }): Promise<Response> {
  const body = Buffer.from(await request.arrayBuffer())
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const { method, signal } = request
    const headers = { ...Object.fromEntries(request.headers), 'content-length': body.length }
    sendRequest(url, { method, headers, signal, agent: false, ...certificate })
      .on('response', resolve)
      .on('error', reject)
      .end(body)
  })
  const status = answer.statusCode ?? 0
  const content = await buffer(answer)
  return new Response(withoutBody.has(status) ? null : content, { status, headers: readHeaders(answer) })
}

/** A `Response` with one of these takes no body (Fetch standard, "null body status"). */
const withoutBody: ReadonlySet<number> = new Set([204, 205, 304])

function readHeaders({ headersDistinct }: IncomingMessage): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  return headers
}
