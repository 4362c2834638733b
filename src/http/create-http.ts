import fastify, { type FastifyInstance } from 'fastify'
import { z } from 'zod'
import { ConflictError, NotFoundError, TransientError, UsageError, WorkerError } from '../errors.ts'
import { explainIssues } from '../explain-issues.ts'
import { describeError, type Log, privateCode, sayPublicly } from '../log.ts'
import { priorities, triggers } from '../runs/requests.ts'
import type { Authorize } from './authorize.ts'
import { requireKey } from './idempotency.ts'
import type { Operations, RequestReport } from './operations.ts'

const requestBody = z
  .strictObject({
    account: z.string().optional(),
    payload: z.unknown().optional(),
    priority: z.enum(priorities).optional(),
  })
  .default({})

/** Health for everybody; requests for those whom `authorize` lets in. */
export function createHttp(deps: {
  readonly operations: Operations
  readonly authorize: Authorize
  readonly log: Log
}): FastifyInstance {
  const { operations, authorize, log } = deps
  const app = createFastify(log)

  app.get('/health/live', async () => ({ status: 'ok' }))
  app.get('/health/ready', async () => {
    await operations.ping()
    return { status: 'ok' }
  })

  app.register(async guarded => {
    guarded.addHook('onRequest', async (request, reply) => {
      const authorization = await authorize(request.headers.authorization)
      if (authorization.allowed) return
      const { status, message } = authorization
      if (status === 503) reply.header('retry-after', retryAfterSeconds)
      if (status === 401) reply.header('www-authenticate', 'Bearer error="invalid_token"')
      await reply.code(status).send({ code: status === 503 ? 'unavailable' : 'unauthorized', message })
    })
    addRequestRoutes(guarded, operations, 'http')
  })
  return app
}

/** `POST /jobs/{name}/requests` and `GET /requests/{id}`. */
export function addRequestRoutes(app: FastifyInstance, operations: Operations, trigger: 'http' | 'cli'): void {
  app.post('/jobs/:name/requests', async (request, reply) => {
    const { name } = z.object({ name: z.string() }).parse(request.params)
    const body = parse(requestBody, request.body ?? undefined, 'body')
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
    const { id } = z.object({ id: z.string() }).parse(request.params)
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

/**
 * Fastify with our errors as answers: one sentence and a code, never a stack.
 *
 * @param tell what an answer says of an error
 */
export function createFastify(log: Log, tell: typeof describeError = describeError): FastifyInstance {
  const app = fastify({ bodyLimit: 1024 * 1024, forceCloseConnections: true })
  app.setErrorHandler(async (error, request, reply) => {
    const status = statusOf(error)
    const { code, message, ...parts } = tell(error)
    if (status >= 500) log.error({ error, url: request.routeOptions.url }, 'a request over HTTP failed')
    // Fastify's own refusals (a body that is no JSON, or too large) are worded by it and hold nothing of the body.
    const safe = status < 500 || error instanceof TransientError
    const said = error instanceof Error && status < 500 ? error.message : message
    const name = error instanceof WorkerError ? code : 'usage'
    if (status === 503) reply.header('retry-after', retryAfterSeconds)
    await reply
      .code(status)
      .send(
        safe ? { code: name, message: said, ...parts } : { code: 'unexpected', message: 'Something went wrong here.' },
      )
  })
  app.setNotFoundHandler(async (request, reply) => {
    await reply
      .code(404)
      .send({ code: 'not-found', message: `There is no ${request.method} ${request.url.split('?')[0]}.` })
  })
  return app
}

/** What is away is looked for once a second. */
const retryAfterSeconds = 5

function statusOf(error: unknown): number {
  if (error instanceof UsageError) return 400
  if (error instanceof NotFoundError) return 404
  if (error instanceof ConflictError) return 409
  if (error instanceof TransientError) return 503
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' && status >= 400 && status < 500 ? status : 500
}

export function parse<T>(schema: z.ZodType<T>, value: unknown, what: string): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new UsageError(`The ${what} is not what is needed (${explainIssues(parsed.error, what)})`)
}
