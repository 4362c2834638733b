import type { IncomingMessage } from 'node:http'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { NotFoundError } from '../errors.ts'
import { type Log, privateCode, sayPublicly } from '../log.ts'
import { priorities } from '../runs/requests.ts'
import type { Caller } from './access-token.ts'
import { type Authorize, severalCredentials } from './authorize.ts'
import { createFastify, type HttpLimits, httpLimits, refuseUnread } from './create-fastify.ts'
import { requireKey } from './idempotency.ts'
import type { Operations, RequestReport, WantedRequest } from './operations.ts'
import { createRefusalLog } from './refusal-log.ts'
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
    addRequestRoutes(guarded, operations, {
      isPublic: true,
      identify: request => ({ trigger: 'http', caller: nameCaller(known.get(request)) }),
    })
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

/** How those who come through one door are told apart. */
export interface Door {
  /** Whether they are told less than the worker's operator. */
  readonly isPublic: boolean
  identify(request: FastifyRequest): Pick<WantedRequest, 'trigger' | 'caller'>
}

/** `POST /jobs/{name}/requests` and `GET /requests/{id}`. */
export function addRequestRoutes(app: FastifyInstance, operations: Operations, door: Door): void {
  app.post('/jobs/:name/requests', async (request, reply) => {
    const { name } = parseValue(namedPath, request.params, 'path')
    const body = parseValue(requestBody, request.body ?? undefined, 'body')
    const { 'idempotency-key': idempotencyKey } = keyHeader.parse(request.headers)
    if (idempotencyKey !== undefined) requireKey(idempotencyKey)
    const accepted = await operations.makeRequest({
      job: name,
      account: body.account,
      payload: body.payload,
      priority: body.priority,
      ...door.identify(request),
      idempotencyKey,
    })
    return reply.code(202).header('location', `/requests/${accepted.id}`).send(accepted)
  })

  app.get('/requests/:id', async request => {
    const { id } = parseValue(identifiedPath, request.params, 'path')
    const report = await operations.findRequest(id)
    if (!report) throw noRequest(id)
    return door.isPublic ? withoutPrivateWords(report) : report
  })
}

export function noRequest(id: string): NotFoundError {
  return new NotFoundError({
    found: `There is no request "${id}"`,
    remedy: 'ended ones are kept for 7 days, failed ones for 30',
  })
}

const keyHeader = z.object({ 'idempotency-key': z.string().optional() })

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
