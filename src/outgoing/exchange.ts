import type { IncomingHttpHeaders } from 'node:http'
import { type AnswerLimit, answerTooLarge } from './answer-too-large.ts'
import { type Deadline, withDeadline } from './deadline.ts'
import { acceptedEncodings, BodyTooLargeError, readBody } from './read-body.ts'
import { type Certificate, createPoolSend, type Send, sendWithCertificate } from './send.ts'

/** What is sent, as `fetch` takes it; a body that can be read once only won't do. */
export type Outgoing = Pick<RequestInit, 'method' | 'headers' | 'body'>

export interface Limits extends Deadline, AnswerLimit {}

/** An answer that was read to its end and decompressed. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer<ArrayBuffer>
}

/**
 * Sends one request and reads its answer to the end; nothing of it is left open afterwards. Redirects aren't followed, so what a
 * request carries goes to its own address alone.
 *
 * Rejects with PermanentError (`too-large`), the reason of `limits.signal`, a TimeoutError, BrokenAnswerError, or what Node or undici
 * threw before there was an answer (`describeNetworkFailure` tells it).
 */
export type Exchange = (address: string | URL, outgoing: Outgoing, limits: Limits) => Promise<Answer>

/** The one way in which this worker speaks HTTP to others. */
export const exchange: Exchange = createExchange(createPoolSend())

/** The same over TLS with a client certificate, on a connection for each request: none goes on under one that was replaced. */
export function createCertificateExchange({ cert, key }: Certificate): Exchange {
  return createExchange((url, sent) => sendWithCertificate(url, sent, { cert, key }))
}

/** One whose requests go out by `send`. */
export function createExchange(send: Send): Exchange {
  return async (address, outgoing, limits) => {
    // Fetch's own reading of headers and bodies: a form gets its content type, what is against HTTP is refused.
    const request = new Request(address, outgoing)
    const { url, method } = request
    const sent = outgoing.body == null ? null : Buffer.from(await request.arrayBuffer())
    const headers = { ...defaultHeaders, ...Object.fromEntries(request.headers) }
    try {
      return await withDeadline(limits, async signal => {
        const { status, headers: told, body } = await send(url, { method, headers, body: sent, signal })
        try {
          const content = hasBody(method, status) ? await readBody(body, told, limits.maxBytes) : Buffer.alloc(0)
          return { status, headers: readHeaders(told), body: content }
        } finally {
          // What is left open keeps its connection, and fails later where nobody listens.
          body.on('error', () => {}).destroy()
        }
      })
    } catch (error) {
      if (error instanceof BodyTooLargeError) throw answerTooLarge(new URL(url).host, limits)
      throw error
    }
  }
}

const defaultHeaders = { accept: '*/*', 'accept-encoding': acceptedEncodings, 'user-agent': 'hasura-sync-worker' }

/** What an answer without a body announces is that of another answer (RFC 9110, section 8.6), and undici would miss it. */
function hasBody(method: string, status: number): boolean {
  return method !== 'HEAD' && status !== 204 && status !== 304
}

function readHeaders(raw: IncomingHttpHeaders): Headers {
  const headers = new Headers()
  for (const [name, values] of Object.entries(raw)) {
    for (const value of [values].flat()) if (value !== undefined) headers.append(name, value)
  }
  return headers
}
