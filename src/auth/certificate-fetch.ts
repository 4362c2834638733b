import type { IncomingMessage } from 'node:http'
import { request as sendRequest } from 'node:https'
import { buffer } from 'node:stream/consumers'
import { z } from 'zod'
import type { Clock } from '../clock.ts'
import { OutageError } from '../errors.ts'
import { type ClientCertificate, describeCertificate, findCertificateRemedy } from './client-certificate.ts'
import { showUrl } from './login-url.ts'
import { refuseCredential } from './refuse-credential.ts'

/**
 * A `fetch` that shows a client certificate (RFC 8705, section 2). Node's own takes one only through a class that Node
 * doesn't export. Follows no redirect, and makes a connection for each request, so that none goes on under a certificate
 * that was replaced.
 *
 * The function rejects with RefusalError (`client-auth`) when the server refuses the certificate as such, and with OutageError
 * (`token-endpoint`) when it hangs up, which may mean the same.
 */
export function createCertificateFetch(certificate: ClientCertificate, clock: Pick<Clock, 'now'>): typeof fetch {
  return async (address, init) => {
    const request = new Request(address, init)
    const url = new URL(request.url)
    if (url.protocol !== 'https:') {
      throw refuseCredential({
        found: `A client certificate can't be shown to ${showUrl(url)}, which is not https`,
        remedy: 'give an https address, or another CLIENT_AUTH',
      })
    }
    try {
      const answer = await send(request, url, certificate).catch((error: unknown) => {
        throw translateFailure(error, url, certificate, clock.now())
      })
      return await read(answer)
    } catch (error) {
      request.signal.throwIfAborted()
      throw error
    }
  }
}

/** What ended a connection before there was an answer. */
function translateFailure(error: unknown, url: URL, certificate: ClientCertificate, now: number): unknown {
  const code = coded.safeParse(error).data?.code ?? ''
  const shown = describeCertificate(certificate)
  const remedy = findCertificateRemedy(certificate, now)
  if (certificateAlert.test(code)) {
    return refuseCredential({
      found: `${showUrl(url)} refused the client certificate (${shown}; ${code})`,
      remedy,
    })
  }
  if (!hungUp.has(code)) return error
  return new OutageError('token-endpoint', 'account', {
    found: `No usable answer from ${showUrl(url)}, the connection was cut off (${code}) as by a server that refuses the client certificate (${shown})`,
    remedy,
  })
}

const coded = z.object({ code: z.string() })

/** The names that Node makes of a TLS alert (RFC 8446, section 6.2) about what we showed. */
const certificateAlert = /^ERR_SSL_[A-Z0-9_/]*ALERT_(?:[A-Z_]*CERTIFICATE[A-Z_]*|UNKNOWN_CA|ACCESS_DENIED)$/

/** In TLS 1.3 a client has sent its request by the time the server looks at the certificate, and its alert may get lost. */
const hungUp: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

async function send(request: Request, url: URL, { cert, key }: ClientCertificate): Promise<IncomingMessage> {
  const body = Buffer.from(await request.arrayBuffer())
  return new Promise((resolve, reject) => {
    const { method, signal } = request
    const headers = { ...Object.fromEntries(request.headers), 'content-length': body.length }
    sendRequest(url, { method, headers, signal, agent: false, cert, key })
      .on('response', resolve)
      .on('error', reject)
      .end(body)
  })
}

async function read(answer: IncomingMessage): Promise<Response> {
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
