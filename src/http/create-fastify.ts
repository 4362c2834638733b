import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import fastify, { type ConnectionError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { InProgressError, type Told, UsageError } from '../errors.ts'
import { parseStrictJson } from '../json/strict-json.ts'
import type { Log } from '../log.ts'
import { listNames } from '../names/list-names.ts'
import { longestName } from '../operations/values.ts'
import { type Problem, problemOf, problemType, toProblem } from '../problem.ts'
import { collectMethods } from './allowed-methods.ts'

/** What one caller may cost before anybody has looked at who it is. Times in milliseconds, sizes in bytes. */
export interface HttpLimits {
  readonly bodyBytes: number
  /** For the request line and the headers, counted from the first byte. */
  readonly headersTimeoutMs: number
  /** For the whole request, body included. */
  readonly requestTimeoutMs: number
  /** Without a byte in either direction while a request is under way; longer than an answer may be waited for. */
  readonly connectionTimeoutMs: number
  readonly connections: number
  readonly requestsPerConnection: number
  /** Of one caller. */
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

/** Longer than proxies keep theirs by default (60 s), so that none sends a request into a connection that is being closed. */
const keepAliveTimeoutMs = 72_000
const headerBytes = 16 * 1024
/** Requests under way when it is closed may take so long to be answered, in milliseconds. */
const closeWithinMs = 1_000

/**
 * Fastify with our limits, and with our errors as answers (`Problem`), never a stack. A path that doesn't exist, or doesn't take
 * the method, is answered before its body is read.
 */
export function createFastify(log: Log, limits: HttpLimits): FastifyInstance {
  const app = fastify({
    bodyLimit: limits.bodyBytes,
    connectionTimeout: limits.connectionTimeoutMs,
    requestTimeout: limits.requestTimeoutMs,
    keepAliveTimeout: keepAliveTimeoutMs,
    maxRequestsPerSocket: limits.requestsPerConnection,
    forceCloseConnections: 'idle',
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
  // Whoever was about to hear that a request was accepted still does.
  app.addHook('preClose', async () => {
    setTimeout(() => app.server.closeAllConnections(), closeWithinMs).unref()
  })
  // Connections that nobody uses make room for those that come.
  app.server.on('drop', () => app.server.closeIdleConnections())

  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, async (_request: FastifyRequest, body: Buffer) =>
    parseBody(body),
  )
  const methodsOf = collectMethods(app)
  app.addHook('onRequest', async (request, reply) => {
    reply.headers(safeHeaders)
    if (!request.is404) return
    const { method, url } = request
    const path = url.split('?')[0] ?? ''
    const methods = methodsOf(path)
    if (methods.length > 0) reply.header('allow', methods.join(', '))
    if (methods.length > 0 && method === 'OPTIONS') return reply.code(204).send()
    await refuseUnread(request, reply, limits, explainNoRoute(method, path, methods))
  })
  app.setErrorHandler(async (error, request, reply) => {
    const problem = problemOf(error)
    const { status } = problem
    if (status >= 500) {
      // What is away is logged once, by who keeps asking for it; here each caller is told.
      const level = status === 503 ? 'debug' : 'error'
      log[level]({ error, url: request.routeOptions.url }, 'a request over HTTP failed')
    }
    if (status === 503) reply.header('retry-after', retryAfterSeconds)
    if (error instanceof InProgressError) reply.header('retry-after', 1)
    await sendProblem(reply, problem)
  })
  return app
}

/** Seconds: what is away is looked for once a second. */
const retryAfterSeconds = 5

/** Answers are for their caller alone, and are what they say they are. */
const safeHeaders = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/**
 * Answers a request whose body nobody has read, and nobody will: a short one is thrown away as it comes, any other ends the
 * connection.
 */
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

function explainNoRoute(method: string, path: string, methods: readonly string[]): Problem {
  if (methods.length === 0) return toProblem(404, 'not-found', `There is no ${method} ${shorten(path)}`)
  const found = `${shorten(path)} doesn't take ${method}`
  return toProblem(405, 'method-not-allowed', { found, remedy: `use one of ${listNames(methods)}` })
}

function parseBody(body: Buffer): unknown {
  if (body.length === 0)
    throw new UsageError({ found: 'The body is empty', remedy: 'leave out its content type, or give JSON' })
  try {
    return parseStrictJson(new TextDecoder('utf-8', { fatal: true }).decode(body))
  } catch (error) {
    if (error instanceof SyntaxError) throw new UsageError('The body is not JSON')
    if (error instanceof TypeError) throw new UsageError('The body is not UTF-8')
    throw error
  }
}

/** What Node can't read as HTTP, or has waited for in vain. */
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
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return [408, 'The request did not come to its end in time']
  if (code === 'HPE_HEADER_OVERFLOW') return [431, `The headers are longer than ${headerBytes / 1024} KiB`]
  return [400, 'This is not an HTTP request']
}

function shorten(path: string): string {
  return path.length > 100 ? `${path.slice(0, 100)}…` : path
}
