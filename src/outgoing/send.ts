import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import https from 'node:https'
import type { Readable } from 'node:stream'
import { type Dispatcher, getGlobalDispatcher, request } from 'undici'
import { watchStart } from './mark-unsent.ts'
import { overHttp1 } from './over-http1.ts'

/** Sends a request. Resolves when its response starts; the caller reads or destroys the body. */
export type Send = (url: string, sent: Sent) => Promise<Begun>

interface Sent {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body: Buffer | null
  readonly signal: AbortSignal
  /** There is a connection, and the request is about to be sent. */
  readonly onStart: () => void
}

interface Begun {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Readable
}

/** Both in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/**
 * Uses undici's connections, which are kept open.
 *
 * @param dispatcher whose connections to use; default: the shared ones
 */
export function createPoolSend(dispatcher?: Dispatcher): Send {
  return async (url, { onStart, ...sent }) => {
    // The deadline is the only time limit.
    const limits = { headersTimeout: 0, bodyTimeout: 0 }
    const marking = overHttp1(dispatcher ?? getGlobalDispatcher()).compose(watchStart(onStart))
    const { statusCode: status, headers, body } = await request(url, { ...sent, ...limits, dispatcher: marking })
    return { status, headers, body }
  }
}

/**
 * On a connection of its own, through the same proxy as other requests. undici destroys a connection that the server closes
 * before it has read why: the TLS alert about a certificate would be lost.
 */
export async function sendWithCertificate(url: string, sent: Sent, { cert, key }: Certificate): Promise<Begun> {
  const { method, headers, body, signal, onStart } = sent
  const length = body && { 'content-length': body.length }
  const { proxyEnv } = https.globalAgent.options
  const agent = new https.Agent({ ...(proxyEnv && { proxyEnv }) })
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    https
      .request(url, { method, headers: { ...headers, ...length }, signal, agent, cert, key })
      .on('finish', onStart)
      .on('response', resolve)
      .on('error', reject)
      .end(body)
  })
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: answer }
}
