import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fastify, {
  type ConnectionError,
  errorCodes,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { InProgressError, UsageError } from '../errors.ts'
import type { Told } from '../explanation.ts'
import { parseStrictJson } from '../json/strict-json.ts'
import type { Log } from '../log.ts'
import { listNames } from '../names/list-names.ts'
import { longestName } from '../operations/values.ts'
import { type Problem, problemOf, problemType, stoppingCode, toProblem } from '../problem.ts'
import { collectMethods } from './allowed-methods.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** False: nothing of the operation's input is in the body. */
    readonly takesBody?: boolean
  }
}

/** What one caller may cost before it is authenticated. Times in milliseconds, sizes in bytes. */
export interface HttpLimits {
  readonly bodyBytes: number
  /** For the request line and the headers, from the first byte. */
  readonly headersTimeoutMs: number
  /** For the whole request, including its body. */
  readonly requestTimeoutMs: number
  /** Without a byte in either direction during a request; longer than the longest wait for a response. */
  readonly connectionTimeoutMs: number
  readonly connections: number
  readonly requestsPerConnection: number
  /** Per caller. */
  readonly requestsPerMinute: number
}

export const httpLimits: HttpLimits = {
  bodyBytes: 256 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 30_000,
  connectionTimeoutMs: 75_000,
  connections: 512,
  requestsPerConnection: 10_000,
  requestsPerMinute: 6_000,
}

/** The callers of the control socket are this user's own commands, which wait as long as a run takes. */
export const controlLimits: HttpLimits = {
  ...httpLimits,
  headersTimeoutMs: 0,
  requestTimeoutMs: 0,
  connectionTimeoutMs: 0,
  connections: Number.POSITIVE_INFINITY,
  requestsPerConnection: 0,
}

/**
 * Longer than proxies keep an idle connection, so that none sends a request on one that is being closed: nginx and AWS 60 s, Google
 * Cloud 600 s.
 */
const keepAliveTimeoutMs = 620_000
const headerBytes = 16 * 1024
/** How long active requests may take when it closes, in milliseconds. */
const closeWithinMs = 1_000

/**
 * Fastify with the worker's limits, and with its errors as problem details (`Problem`), never a stack. A path that doesn't exist,
 * or doesn't support the method, and a compressed body are answered before the body is read.
 */
export function createFastify(log: Log, limits: HttpLimits): FastifyInstance {
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    connectionTimeout: limits.connectionTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    maxRequestsPerSocket: limits.requestsPerConnection,
    forceCloseConnections: 'idle',
    // Fastify's own response has no `Retry-After`, for which Hasura's triggers wait, and is no problem.
    return503OnClosing: false,
    routerOptions: { maxParamLength: longestName },
    http: {
      headersTimeout: limits.headersTimeoutMs,
      connectionsCheckingInterval: Math.max(100, Math.min(limits.headersTimeoutMs / 4, 5_000)),
      maxHeaderSize: headerBytes,
    },
    frameworkErrors: (error, _request, { raw }) => {
      const { status } = problemOf(error)
      const found =
        status === 414
          ? `A part of the path is longer than ${longestName} characters`
          : 'The path is not UTF-8 in percent-encoding'
      raw.writeHead(status, { ...safeHeaders, 'content-type': problemType, connection: 'close' })
      raw.end(JSON.stringify(toProblem(status, 'usage', found)))
    },
    clientErrorHandler: answerBrokenRequest,
  })
  app.server.maxConnections = limits.connections
  let isClosing = false
  // A caller that is about to learn that its request was accepted still does.
  app.addHook('preClose', async () => {
    isClosing = true
    setTimeout(() => app.server.closeAllConnections(), closeWithinMs).unref()
  })
  // Idle connections are closed to make room for new ones.
  app.server.on('drop', () => app.server.closeIdleConnections())

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (request: FastifyRequest, body: Buffer) => {
    if (body.length > 0) return parseBody(body)
    // Perhaps it was lost on the way: without its body, a request to cancel some requests is one to cancel all.
    if (request.routeOptions.config.takesBody !== false) throw new UsageError(empty)
    return undefined
  })
  // Many clients declare the body that they don't have as a form, as bytes or as text, and proxies send it in chunks, of which
  // there are none.
  app.addContentTypeParser('*', { parseAs: 'buffer' }, async ({ headers }: FastifyRequest, body: Buffer) => {
    if (body.length > 0 || /json/i.test(headers['content-type'] ?? '')) {
      throw new errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE()
    }
  })
  const methodsOf = collectMethods(app)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(safeHeaders)
    if (isClosing) {
      await refuseUnread(request, reply.header('retry-after', retryAfterSeconds), limits, stopping)
      return
    }
    if (!request.is404) {
      if (request.method === 'POST' && isEncoded(request)) {
        // RFC 9110, section 15.5.16.
        await refuseUnread(request, reply.header('accept-encoding', 'identity'), limits, encoded)
      }
      return
    }
    const { method, url } = request
    const path = url.split('?')[0] ?? ''
    const methods = methodsOf(path)
    if (methods.length > 0) reply.header('allow', methods.join(', '))
    if (methods.length > 0 && method === 'OPTIONS') return reply.code(204).send()
    await refuseUnread(request, reply, limits, explainNoRoute(method, path, methodsOf))
  })
  app.setErrorHandler(async (error, request, reply) => {
    const problem = error instanceof errorCodes.FST_ERR_CTP_INVALID_MEDIA_TYPE ? undeclared : problemOf(error)
    const { status } = problem
    if (status >= 500) {
      // An outage is logged once by the part that meets it; here each caller is told.
      const level = status === 503 ? 'debug' : 'error'
      log[level]({ error, url: request.routeOptions.url }, 'a request over HTTP failed')
    }
    if (status === 503) reply.header('retry-after', retryAfterSeconds)
    if (error instanceof InProgressError) reply.header('retry-after', 1)
    await sendProblem(reply, problem)
  })
  return app
}

/** Seconds: a service that is down is checked once a second. */
const retryAfterSeconds = 5

/** Responses are only for their caller, and have the declared content type. */
const safeHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** Responds to a request whose body won't be read: a short body is discarded, any other closes the connection. */
export async function refuseUnread(
  { headers }: FastifyRequest,
  reply: FastifyReply,
  limits: HttpLimits,
  problem: Problem,
): Promise<FastifyReply> {
  const length = headers['transfer-encoding'] === undefined ? Number(headers['content-length'] ?? 0) : Number.NaN
  if (!(length <= limits.bodyBytes)) reply.header('connection', 'close')
  return sendProblem(reply, problem)
}

function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  return reply.code(problem.status).type(problemType).send(JSON.stringify(problem))
}

function isEncoded({ headers }: FastifyRequest): boolean {
  const encoding = headers['content-encoding']?.trim().toLowerCase() ?? ''
  return encoding !== '' && encoding !== 'identity'
}

const encoded = toProblem(415, 'usage', {
  found: 'The body is compressed, as Content-Encoding says',
  remedy: 'send it uncompressed, without this header',
})

const empty = { found: 'The body is empty', remedy: 'send {}, or no content type' }

/** Of a connection that a caller has kept open. */
const stopping = toProblem(503, stoppingCode, { found: 'This process is stopping', remedy: 'send the request again' })

const undeclared = toProblem(415, 'usage', {
  found: 'The body is not declared as JSON',
  remedy: 'send Content-Type: application/json',
})

function explainNoRoute(method: string, path: string, methodsOf: (path: string) => readonly string[]): Problem {
  const methods = methodsOf(path)
  if (methods.length > 0) {
    const found = `${shorten(path)} does not support ${method}`
    return toProblem(405, 'method-not-allowed', { found, remedy: `use one of ${listNames(methods)}` })
  }
  // The worker's address, to which callers add a path, often ends with a slash.
  const meant = path.replaceAll(/\/{2,}/g, '/').replace(/\/$/, '')
  const remedy = methodsOf(meant).length > 0 ? `use ${shorten(meant)}, without further slashes` : undefined
  return toProblem(404, 'not-found', { found: `There is no ${method} ${shorten(path)}`, remedy })
}

function parseBody(body: Buffer): unknown {
  try {
    return parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError('The body is not JSON')
    if (error instanceof TypeError) throw new UsageError('The body is not UTF-8')
    throw error
  }
}

/** What Node can't parse as HTTP, or has waited for too long. */
function answerBrokenRequest(error: ConnectionError, socket: Socket): void {
  if (socket.writable && error.code !== 'ECONNRESET') {
    const [status, found] = explainBrokenRequest(error.code)
    const body = JSON.stringify(toProblem(status, 'usage', found))
    const headers = { ...safeHeaders, connection: 'close', 'content-type': problemType }
    const lines = [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      `content-length: ${Buffer.byteLength(body)}`,
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  }
  socket.destroy()
}

function explainBrokenRequest(code: string): [number, Told] {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'The request was not complete in time']
  if (code === 'HPE_HEADER_OVERFLOW') return [431, `The headers are longer than ${headerBytes / 1024} KiB`]
  return [400, 'This is not an HTTP request']
}

function shorten(path: string): string {
  return path.length > 100 ? `${path.slice(0, 100)}…` : path
}
