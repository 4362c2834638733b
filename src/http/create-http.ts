import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { type Log, privateCode, sayPublicly } from '../log.ts'
import type { AnyOperation } from '../operations/operation.ts'
import type { Operations } from '../operations/registry.ts'
import type { RequestReport } from '../operations/request-reports.ts'
import { getRequest, longestWaitSeconds, makeRequest } from '../operations/requests.ts'
import type { Caller } from './access-token.ts'
import { type Authorize, severalCredentials } from './authorize.ts'
import { createFastify, type HttpLimits, httpLimits, refuseUnread } from './create-fastify.ts'
import { readInput, routeOf } from './operation-route.ts'
import { readWait } from './read-wait.ts'
import { createRefusalLog } from './refusal-log.ts'

/** Health for everybody; requests for those whom `authorize` lets in. */
export function createHttp(deps: {
  readonly operations: Operations
  readonly authorize: Authorize
  readonly log: Log
  /** Default: those of `httpLimits`. */
  readonly limits?: HttpLimits
}): FastifyInstance {
  const { operations, authorize, log, limits = httpLimits } = deps
  const app = createFastify(log, limits)
  const logRefusal = createRefusalLog(log)
  const known = new WeakMap<FastifyRequest, Caller>()

  app.get('/health/live', async () => ({ status: 'ok' }))
  const ping = sharePending(() => operations.ping())
  app.get('/health/ready', async () => {
    await ping()
    return { status: 'ok' }
  })

  app.register(async guarded => {
    guarded.addHook('onRequest', async (request, reply) => {
      const { headers, raw } = request
      const isAmbiguous = countHeaders(raw, 'authorization') > 1
      const authorization = isAmbiguous ? severalCredentials : await authorize(headers.authorization)
      if (authorization.allowed) {
        known.set(request, authorization.caller)
        return
      }
      const { status, message, challenge, retryAfterSeconds } = authorization
      logRefusal(authorization, request.routeOptions.url)
      if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
      if (challenge !== undefined) reply.header('www-authenticate', challenge)
      const code = status === 503 ? 'unavailable' : 'unauthorized'
      await refuseUnread(request, reply, limits, status, { code, message })
    })
    addRequestRoutes(guarded, operations, request => nameCaller(known.get(request)))
  })
  return app
}

function countHeaders({ rawHeaders }: IncomingMessage, name: string): number {
  return rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length
}

/** As it is kept with requests: whose idempotency keys they are, and who asked. No two callers have one name. */
function nameCaller(caller: Caller | undefined): string {
  const { client = '', subject = '' } = caller ?? {}
  return `http:${encodeURIComponent(client)}/${encodeURIComponent(subject)}`
}

/** However many ask at once, one question is under way: health is for everybody, and must not cost the store its connections. */
function sharePending(ask: () => Promise<void>): () => Promise<void> {
  let pending: Promise<void> | undefined
  return () => {
    pending ??= ask().finally(() => {
      pending = undefined
    })
    return pending
  }
}

/** What HTTP takes from elsewhere than the path and the body: who asks, the idempotency key, how long to wait. */
const making = { ...makeRequest, input: makeRequest.input.omit({ trigger: true, caller: true, idempotencyKey: true }) }
const getting = { ...getRequest, input: getRequest.input.omit({ waitSeconds: true }) }
const keyHeader = z.object({ 'idempotency-key': z.string().optional() })

/** `POST /jobs/{job}/requests`, and `GET /requests/{id}`, which waits for the request's end where `Prefer: wait=N` asks for it. */
function addRequestRoutes(
  app: FastifyInstance,
  operations: Operations,
  nameAsker: (request: FastifyRequest) => string,
): void {
  const stopping = new AbortController()
  app.addHook('preClose', async () => stopping.abort())

  addRoute(app, making, async (request, reply) => {
    const wanted = readInput(making, request)
    const { 'idempotency-key': idempotencyKey } = keyHeader.parse(request.headers)
    const caller = nameAsker(request)
    const accepted = await operations.makeRequest({ ...wanted, trigger: 'http', caller, idempotencyKey })
    return reply.code(202).header('location', `/requests/${accepted.id}`).send(accepted)
  })
  addRoute(app, getting, async (request, reply) => {
    const { id } = readInput(getting, request)
    const waitSeconds = Math.min(readWait(request.headers.prefer), longestWaitSeconds)
    const gone = new AbortController()
    reply.raw.on('close', () => gone.abort())
    const signal = AbortSignal.any([gone.signal, stopping.signal])
    const report = await operations.getRequest({ id, waitSeconds }, { signal })
    if (waitSeconds > 0) reply.header('preference-applied', `wait=${waitSeconds}`)
    return reply.send(withoutPrivateWords(report))
  })
}

function addRoute(
  app: FastifyInstance,
  operation: Pick<AnyOperation, 'route'>,
  handler: (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply>,
): void {
  const { method, path } = routeOf(operation)
  app.route({ method, url: path, handler })
}

/** A caller may ask for jobs; what their author's code threw, and who else asks, is for the worker's operator. */
function withoutPrivateWords({ caller: _, ...report }: RequestReport): RequestReport {
  const { failedReason, runs } = report
  const [last] = runs
  return {
    ...report,
    ...(failedReason !== undefined && {
      failedReason: last?.error?.code === privateCode ? sayPublicly(last.error) : failedReason,
    }),
    runs: runs.map(({ caller: _, ...run }) => ({
      ...run,
      error: run.error && { ...run.error, message: sayPublicly(run.error) },
    })),
  }
}
