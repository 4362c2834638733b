import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault } from './faults.ts'
import { HasuraError } from './hasura-error.ts'

export interface Reply {
  readonly status: number
  readonly body: string
  readonly headers?: Record<string, string>
}

/** A request to /v1/graphql, before it is parsed. */
export interface Incoming {
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export interface Handler {
  /** The fault for this request, if any. */
  fault(incoming: Incoming): Fault | undefined
  answer(incoming: Incoming): Promise<Reply>
}

export function createHasuraServer(handler: Handler): Server {
  const server = createServer((request, response) => {
    route(request, response, handler).catch(error => {
      if (response.headersSent || response.destroyed) response.destroy()
      else send(response, { status: 500, body: internalError(error) })
    })
  })
  // Tests open and drop many connections; one that idles must not hold up a stop.
  server.keepAliveTimeout = 5_000
  return server
}

async function route(request: IncomingMessage, response: ServerResponse, handler: Handler): Promise<void> {
  const path = request.url?.split('?')[0]
  if (request.method === 'GET' && path === '/healthz')
    return send(response, { status: 200, body: 'OK', headers: plain })
  if (request.method === 'GET' && path === '/v1/version') {
    return send(response, { status: 200, body: '{"server_type":"sandbox","version":"v2.0.0-sandbox"}' })
  }
  if (request.method !== 'POST' || path !== '/v1/graphql') return send(response, notFound)
  const incoming: Incoming = { headers: request.headers, body: await readBody(request) }
  const fault = handler.fault(incoming)
  if (fault === undefined) return send(response, await handler.answer(incoming))
  await misbehave(fault, response, () => handler.answer(incoming))
}

async function misbehave(fault: Fault, response: ServerResponse, answer: () => Promise<Reply>): Promise<void> {
  switch (fault.kind) {
    case 'latency':
      await sleep(fault.ms)
      return send(response, await answer())
    case 'wait':
      await (typeof fault.until === 'function' ? fault.until() : fault.until)
      return send(response, await answer())
    case 'status':
      return send(response, {
        status: fault.status,
        body: fault.body ?? '',
        ...(fault.headers !== undefined && { headers: fault.headers }),
      })
    case 'html':
      return send(response, { status: 200, body: '<!doctype html><title>Sign in</title><p>Sign in', headers: html })
    case 'graphql-error':
      return send(response, { status: 200, body: new HasuraError(fault.code, fault.message).toBody() })
    case 'cut-off': {
      const { status, body } = await answer()
      const bytes = Buffer.from(body)
      response.writeHead(status, { 'content-type': json, 'content-length': bytes.length })
      // Destroyed once the half was sent: destroying it immediately would lose the headers.
      await new Promise<void>(resolve => response.write(bytes.subarray(0, bytes.length / 2), () => resolve()))
      response.destroy()
      return
    }
    case 'too-long': {
      const reply = await answer()
      if (Buffer.byteLength(reply.body) <= fault.bytes) return send(response, reply)
      return send(response, { status: 504, body: '<!doctype html><title>Gateway timeout</title>', headers: html })
    }
    case 'hang':
      // The client gives up, or the server is stopped.
      return
    case 'reset':
      response.destroy()
      return
    case 'reset-after':
      await answer()
      response.destroy()
  }
}

const json = 'application/json; charset=utf-8'
const plain = { 'content-type': 'text/plain; charset=utf-8' }
const html = { 'content-type': 'text/html; charset=utf-8' }
const notFound: Reply = {
  status: 404,
  body: '{"path":"$","error":"resource does not exist","code":"not-found"}',
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  const bytes = Buffer.from(body)
  response.writeHead(status, { 'content-type': json, 'content-length': bytes.length, ...headers })
  response.end(bytes)
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of request) {
    if (chunk instanceof Uint8Array) chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

/** A bug of the sandbox: shown in full, because only tests see it. */
function internalError(error: unknown): string {
  const internal = Error.isError(error) ? (error.stack ?? error.message) : String(error)
  return JSON.stringify({
    errors: [{ message: 'internal error', extensions: { path: '$', code: 'unexpected', internal } }],
  })
}
