import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { z } from 'zod'
import { type RestFault, RestFaults } from './rest-fault.ts'

export interface RestRequest {
  readonly method: string
  /** Below the base path. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface RestReply {
  readonly status: number
  readonly headers?: Record<string, string>
  /** Sent as JSON. */
  readonly body?: unknown
}

export interface RestServer extends AsyncDisposable {
  /** The base URL of the API, without a trailing slash. */
  readonly baseUrl: string
  /** Every request, in order of arrival, with only these headers. */
  readonly requests: readonly { method: string; path: string; authorization: string | undefined }[]
  fault(fault: RestFault, times?: number): () => void
}

/** An HTTP server on loopback that hands each request below `basePath` to `answer`, unless a fault is due. */
export async function startRestServer(options: {
  basePath: string
  port?: number
  notFound: (path: string) => RestReply
  answer: (request: RestRequest) => Promise<RestReply>
}): Promise<RestServer> {
  const faults = new RestFaults()
  const requests: { method: string; path: string; authorization: string | undefined }[] = []

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(message.url ?? '/', 'http://sandbox')
    const method = message.method ?? 'GET'
    const request: RestRequest = {
      method,
      path: url.pathname.slice(options.basePath.length),
      query: url.searchParams,
      headers: message.headers,
      body: await text(message),
    }
    requests.push({ method, path: request.path, authorization: message.headers.authorization })
    if (!url.pathname.startsWith(`${options.basePath}/`)) return send(response, options.notFound(url.pathname))
    await misbehave(faults.take(), response, () => options.answer(request))
  }

  const server = createServer((message, response) => {
    serve(message, response).catch((error: unknown) => {
      // A bug of the sandbox: shown in full, because only tests see it.
      if (response.headersSent) response.destroy()
      else response.writeHead(500).end(Error.isError(error) ? error.stack : String(error))
    })
  })
  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = z.object({ port: z.number() }).parse(server.address())
  return {
    baseUrl: `http://127.0.0.1:${port}${options.basePath}`,
    requests,
    fault: (fault, times) => faults.add(fault, times),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

async function misbehave(
  fault: RestFault | undefined,
  response: ServerResponse,
  answer: () => Promise<RestReply>,
): Promise<void> {
  switch (fault?.kind) {
    case undefined:
      return send(response, await answer())
    case 'latency':
      await sleep(fault.ms)
      return send(response, await answer())
    case 'status':
      response.writeHead(fault.status, fault.headers).end(fault.body)
      return
    case 'html':
      response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Sign in</title>')
      return
    case 'cut-off': {
      const { status, headers, body } = await answer()
      const bytes = Buffer.from(JSON.stringify(body ?? null))
      response.writeHead(status, { ...headers, 'content-type': 'application/json', 'content-length': bytes.length + 1 })
      response.write(bytes.subarray(0, bytes.length / 2), () => response.destroy())
      return
    }
    case 'hang':
      return
    case 'reset':
      response.destroy()
      return
    case 'reset-after':
      await answer()
      response.destroy()
  }
}

function send(response: ServerResponse, { status, headers, body }: RestReply): void {
  const bytes = body === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(body))
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers })
  response.end(bytes)
}
