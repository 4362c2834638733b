import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { NotFoundError } from '../errors.ts'
import { type Log, privateCode, sayPublicly } from '../log.ts'
import { priorities, triggers } from '../runs/requests.ts'
import type { Authorize } from './authorize.ts'
import { createFastify, type HttpLimits, httpLimits, refuseUnread, retryAfterSeconds } from './create-fastify.ts'
import { requireKey } from './idempotency.ts'
import type { Operations, RequestReport } from './operations.ts'
import { identifiedPath, namedPath, nameValue, parseValue } from './request-values.ts'

const requestBody = z
  .strictObject({
    account: nameValue.optional(),
    payload: z.unknown().optional(),
    priority: z.enum(priorities).optional(),
  })
  .default({})

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

  app.get('/health/live', async () => ({ status: 'ok' }))
  const ping = sharePending(() => operations.ping())
  app.get('/health/ready', async () => {
    await ping()
    return { status: 'ok' }
  })

  app.register(async guarded => {
    guarded.addHook('onRequest', async (request, reply) => {
      const authorization = await authorize(request.headers.authorization)
      if (authorization.allowed) return
      const { status, message } = authorization
      if (status === 503) reply.header('retry-after', retryAfterSeconds)
      if (status === 401) reply.header('www-authenticate', 'Bearer error="invalid_token"')
      const code = status === 503 ? 'unavailable' : 'unauthorized'
      await refuseUnread(request, reply, limits, status, { code, message })
    })
    addRequestRoutes(guarded, operations, 'http')
  })
  return app
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

/** `POST /jobs/{name}/requests` and `GET /requests/{id}`. */
export function addRequestRoutes(app: FastifyInstance, operations: Operations, trigger: 'http' | 'cli'): void {
  app.post('/jobs/:name/requests', async (request, reply) => {
    const { name } = parseValue(namedPath, request.params, 'path')
    const body = parseValue(requestBody, request.body ?? undefined, 'body')
    const { 'idempotency-key': idempotencyKey } = keyHeader.parse(request.headers)
    if (idempotencyKey !== undefined) requireKey(idempotencyKey)
    // Only the control socket's callers may say what made a request; over TCP it is HTTP.
    const from = trigger === 'cli' ? z.enum(triggers).catch('cli').parse(request.headers['x-trigger']) : trigger
    const accepted = await operations.makeRequest({
      job: name,
      account: body.account,
      payload: body.payload,
      priority: body.priority,
      trigger: from,
      caller: trigger,
      idempotencyKey,
    })
    return reply.code(202).header('location', `/requests/${accepted.id}`).send(accepted)
  })

  app.get('/requests/:id', async request => {
    const { id } = parseValue(identifiedPath, request.params, 'path')
    const report = await operations.findRequest(id)
    if (!report) throw noRequest(id)
    return trigger === 'http' ? withoutPrivateWords(report) : report
  })
}

export function noRequest(id: string): NotFoundError {
  return new NotFoundError({
    found: `There is no request "${id}"`,
    remedy: 'ended ones are kept for 7 days, failed ones for 30',
  })
}

const keyHeader = z.object({ 'idempotency-key': z.string().optional() })

/** A caller may ask for jobs; what their author's code threw is for the worker's operator. */
function withoutPrivateWords(report: RequestReport): RequestReport {
  const { failedReason, runs } = report
  const [last] = runs
  return {
    ...report,
    ...(failedReason !== undefined && {
      failedReason: last?.error?.code === privateCode ? sayPublicly(last.error) : failedReason,
    }),
    runs: runs.map(run => ({ ...run, error: run.error && { ...run.error, message: sayPublicly(run.error) } })),
  }
}
