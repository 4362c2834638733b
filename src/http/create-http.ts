import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Log } from '../log.ts'
import type { Observer } from '../observer/observer.ts'
import { parseTraceHeaders } from '../observer/trace-headers.ts'
import { nameCaller } from '../operations/bound-caller.ts'
import type { ApiRole } from '../operations/operation.ts'
import type { Operations } from '../operations/registry.ts'
import { toProblem } from '../problem.ts'
import { type Clock, systemClock } from '../time/clock.ts'
import { type Authorize, severalCredentials } from './authorize.ts'
import { createCallerRate } from './caller-rate.ts'
import { createFastify, type HttpLimits, httpLimits, refuseUnread } from './create-fastify.ts'
import { type Door, doors } from './doors.ts'
import { sendTagged } from './entity-tag.ts'
import { addHookRoutes } from './hook-routes.ts'
import type { KnowsHookSecret } from './hook-secret.ts'
import { addMetricsRoute, type Scrape } from './metrics-route.ts'
import { describeApi } from './openapi.ts'
import { readInput, routeOf, splitInput } from './operation-route.ts'
import { createRefusalLog } from './refusal-log.ts'

interface HttpDeps {
  readonly operations: Operations
  readonly authorize: Authorize
  /** The secret that Hasura's triggers must send; by default none is let in. */
  readonly knowsHookSecret?: KnowsHookSecret | undefined
  readonly log: Log
  /** Called for each response; default: none. */
  readonly observer?: Pick<Observer, 'httpAnswered'>
  /** Answers `GET /metrics` for everyone who can reach it; absent if it isn't served here. */
  readonly scrape?: Scrape | undefined
  /** Default: `httpLimits`. */
  readonly limits?: HttpLimits
  readonly clock?: Pick<Clock, 'elapsed'>
}

/** Health for everyone, operations for authorized callers, hooks for triggers with the secret. */
export function createHttp(deps: HttpDeps): FastifyInstance {
  const { operations, knowsHookSecret: knowsSecret, log, observer, scrape, limits = httpLimits } = deps
  const app = createFastify(log, limits)

  app.addHook('onResponse', async ({ method, routeOptions: { url: route } }, { statusCode: status, elapsedTime }) =>
    observer?.httpAnswered({ method, route, status, durationMs: elapsedTime }),
  )
  if (scrape) addMetricsRoute(app, scrape)
  const description = JSON.stringify(describeApi())
  app.get('/openapi.json', async (request, reply) => sendTagged(request, reply, description))
  app.get('/health/live', async () => ({ status: 'ok' }))
  const ping = sharePending(() => operations.ping())
  app.get('/health/ready', async () => {
    await ping()
    return { status: 'ok' }
  })
  addDoors(app, deps)
  app.register(async hooks => addHookRoutes(hooks, { operations, knowsSecret, log, limits }))
  return app
}

/** The caller, once known. */
interface Known {
  /** The caller as stored with requests and idempotency keys. It is unique. */
  readonly name: string
  readonly roles: readonly ApiRole[]
}

function addDoors(app: FastifyInstance, deps: HttpDeps): void {
  const { operations, log, limits = httpLimits } = deps
  const known = new WeakMap<FastifyRequest, Known>()
  let active = 0
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())
  const letIn = createGuard(deps, known)
  for (const door of doors) {
    const { operation, input: schema } = door
    const { rest } = splitInput(operation, schema)
    const { method, path } = routeOf(operation)
    app.route({
      method,
      url: path,
      config: { takesBody: Object.keys(rest.shape).length > 0 },
      onRequest: (request, reply) => letIn(door, request, reply),
      async handler(request, reply) {
        const { name: caller, roles } = known.get(request) ?? nobody
        const input = readInput(operation, schema, request)
        const gone = new AbortController()
        reply.raw.on('close', () => gone.abort())
        const signal = AbortSignal.any([gone.signal, stopping.signal])
        if (operation.roles.includes('operate'))
          log.info({ caller, path: request.url }, 'an operator used the API over HTTP')
        // Whoever would wait is answered at once while half of the connections are in use: health checks need some, too.
        const isCrowded = active >= limits.connections / 2
        active += 1
        const { body, headers = {} } = await door
          .carry(operations, {
            input,
            headers: isCrowded ? { ...request.headers, prefer: undefined } : request.headers,
            signal,
            caller,
            trace: parseTraceHeaders(request.headers),
            roles,
          })
          .finally(() => {
            active -= 1
          })
        reply.code(door.status).headers(headers)
        return method === 'GET' ? sendTagged(request, reply, JSON.stringify(body)) : reply.send(body)
      },
    })
  }
}

const nobody: Known = { name: 'http:/', roles: [] }

/** Refuses a request before its body is read, if the caller isn't authorized or exceeds its rate. */
function createGuard(
  { authorize, log, limits = httpLimits, clock = systemClock }: HttpDeps,
  known: WeakMap<FastifyRequest, Known>,
) {
  const logRefusal = createRefusalLog(log)
  const waitMsOf = createCallerRate(limits.requestsPerMinute, clock)
  return async ({ operation }: Door, request: FastifyRequest, reply: FastifyReply): Promise<void> => {
    const { headers, raw } = request
    const isAmbiguous = countHeaders(raw, 'authorization') > 1
    const authorization = isAmbiguous ? severalCredentials : await authorize(headers.authorization, operation.roles)
    if (!authorization.allowed) {
      const { status, challenge, retryAfterSeconds } = authorization
      logRefusal(authorization, request.routeOptions.url)
      if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
      if (challenge !== undefined) reply.header('www-authenticate', challenge)
      const code = status === 503 ? 'unavailable' : 'unauthorized'
      await refuseUnread(request, reply, limits, toProblem(status, code, authorization))
      return
    }
    const name = nameCaller(authorization.caller)
    const waitMs = waitMsOf(name)
    if (waitMs > 0) {
      reply.header('retry-after', Math.ceil(waitMs / 1_000))
      const told = {
        found: `More than ${limits.requestsPerMinute} requests in a minute`,
        remedy: 'send fewer requests',
      }
      await refuseUnread(request, reply, limits, toProblem(429, 'rate-limited', told))
      return
    }
    known.set(request, { name, roles: authorization.roles })
  }
}

function countHeaders({ rawHeaders }: IncomingMessage, name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length
}

/** Concurrent checks share one query: health is for everyone, and must not use up the store's connections. */
function sharePending(ask: () => Promise<void>): () => Promise<void> {
  let pending: Promise<void> | undefined
  return () => {
    pending ??= ask().finally(() => {
      pending = undefined
    })
    return pending
  }
}
