import type { IncomingHttpHeaders } from 'node:http'
import { isTimeout } from '../errors.ts'
import { type AnswerLimit, answerTooLarge } from './answer-too-large.ts'
import { BotCheckError, isBotCheck } from './bot-check.ts'
import { type Deadline, withDeadline } from './deadline.ts'
import { NotSentError } from './mark-unsent.ts'
import { acceptedEncodings, BodyTooLargeError, readBody } from './read-body.ts'
import { type Certificate, createPoolSend, type Send, sendWithCertificate } from './send.ts'
import { skimBody } from './skim-body.ts'

/** A request as for `fetch`; its body must be readable more than once. */
export type Outgoing = Pick<RequestInit, 'method' | 'headers' | 'body'>

export type Limits = Deadline & (AnswerLimit | BodyIgnored)

/** Only status and headers matter: the body isn't returned, and what becomes of it is no failure. */
interface BodyIgnored {
  readonly ignoresBody: true
}

/** A response, read to its end and decompressed. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: Buffer<ArrayBuffer>
}

/**
 * Sends one request and reads its response to the end, leaving nothing open. Redirects aren't followed, so a request's headers and
 * body go only to its own address.
 *
 * Rejects with PermanentError (`too-large`), the reason of `limits.signal`, a TimeoutError (the cause of a NotSentError if there was no
 * connection yet), BrokenAnswerError, BotCheckError, or what Node or undici threw before there was a response
 * (`describeNetworkFailure` explains it).
 */
export type Exchange = (address: string | URL, outgoing: Outgoing, limits: Limits) => Promise<Answer>

/** All HTTP requests of this worker go through here. */
export const exchange: Exchange = createExchange(createPoolSend())

/** The same over TLS with a client certificate. Each request has its own connection, so that none uses a replaced certificate. */
export function createCertificateExchange({ cert, key }: Certificate): Exchange {
  return createExchange((url, sent) => sendWithCertificate(url, sent, { cert, key }))
}

/** An exchange whose requests are sent by `send`. */
export function createExchange(send: Send): Exchange {
  return async (address, outgoing, limits) => {
    // Lets `fetch` interpret headers and bodies: a form gets its content type, and violations of HTTP are refused.
    const request = new Request(address, outgoing)
    const { url, method } = request
    const sent = outgoing.body == null ? null : Buffer.from(await request.arrayBuffer())
    const headers = { ...defaultHeaders, ...Object.fromEntries(request.headers) }
    let isStarted = false
    const onStart = () => {
      isStarted = true
    }
    const working = withDeadline(limits, async signal => {
      const { status, headers: told, body } = await send(url, { method, headers, body: sent, signal, onStart })
      try {
        const answer = { status, headers: readHeaders(told), body: Buffer.alloc(0) }
        if (isBotCheck(answer.headers)) throw new BotCheckError()
        if (!hasBody(method, status)) return answer
        if ('maxBytes' in limits) return { ...answer, body: await readBody(body, told, limits.maxBytes) }
        await skimBody(body)
        return answer
      } catch (error) {
        if (error instanceof BodyTooLargeError && 'maxBytes' in limits) throw answerTooLarge(new URL(url).host, limits)
        throw error
      } finally {
        // An open body keeps its connection, and fails later, when nobody handles the error.
        body.on('error', () => {}).destroy()
      }
    })
    return working.catch(error => {
      throw !isStarted && !limits.signal?.aborted && isTimeout(error) ? new NotSentError(error) : error
    })
  }
}

const defaultHeaders = { accept: '*/*', 'accept-encoding': acceptedEncodings, 'user-agent': 'hasura-sync-worker' }

/**
 * The headers of a response without a body describe another response (RFC 9110, section 8.6), and undici would wait for that
 * body.
 */
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
