import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import { triggers } from '../runs/requests.ts'
import { requestStates } from '../store/schema.ts'
import { type RunEvent, tellError } from './control-events.ts'
import { controlLimits, createFastify } from './create-fastify.ts'
import { addRequestRoutes } from './create-http.ts'
import type { Operations } from './operations.ts'
import { identifiedPath, namedPath, nameValue, parseValue } from './request-values.ts'

const accountBody = z.object({ account: nameValue })
const forgetBody = z.object({ configured: z.boolean() })
const runBody = z.object({
  account: nameValue.optional(),
  payload: z.unknown().optional(),
  dryRun: z.boolean().default(false),
})
const limit = z.coerce.number().int().min(1).max(1000).default(20)
const requestsQuery = z.object({
  state: z.enum(requestStates).optional(),
  job: nameValue.optional(),
  account: nameValue.optional(),
  limit,
})
const groupBody = z.object({
  states: z.array(z.enum(requestStates)),
  job: nameValue.optional(),
  account: nameValue.optional(),
  repeatable: z.boolean(),
})
const pauseBody = z.object({ account: nameValue.optional(), paused: z.boolean() })
const runsQuery = z.object({ job: nameValue.optional(), limit })
const rowsQuery = z.object({ table: nameValue, account: nameValue.optional(), limit })

/**
 * Everything that may be asked of a worker, for the commands of the same user on the same machine: whoever may open the
 * socket (mode 0600) may ask.
 */
export function createControl(deps: { readonly operations: Operations; readonly log: Log }): FastifyInstance {
  const { operations, log } = deps
  const app = createFastify(log, controlLimits, tellError)
  addRequestRoutes(app, operations, {
    isPublic: false,
    // Only these callers may say what made a request.
    identify: ({ headers }) => ({ trigger: z.enum(triggers).catch('cli').parse(headers['x-trigger']), caller: 'cli' }),
  })
  const stopping = new AbortController()
  const running = new Set<Promise<void>>()
  // Before the store closes, the runs of callers have recorded how they ended.
  app.addHook('preClose', async () => {
    stopping.abort(
      new TransientError(
        'interrupted',
        'The worker is stopping, so the run was interrupted; the next one resumes from its checkpoint',
      ),
    )
    await Promise.all(running)
  })

  app.get('/jobs', () => operations.listJobs())
  app.get('/accounts', () => operations.listAccounts())
  app.get('/holds', () => operations.listHolds())
  app.get('/schedules', () => operations.listSchedules())
  app.get('/runs', request => operations.listRuns(parseValue(runsQuery, request.query, 'query')))
  app.get('/rows', request => {
    const { table, account, limit } = parseValue(rowsQuery, request.query, 'query')
    return operations.listMirrorRows({ table, account, limit })
  })
  app.get('/worker', async () => ({ isRunning: await operations.hasWorker() }))
  app.get('/ping', () => operations.ping().then(() => ({})))

  app.get('/requests', request => operations.listRequests(parseValue(requestsQuery, request.query, 'query')))
  app.post('/requests/find', request => {
    const { states, job, account, repeatable } = parseValue(groupBody, request.body, 'body')
    return operations.findRequestIds({ states, job, account, repeatable })
  })
  app.post('/requests/:id/cancel', async request => ({
    state: await operations.cancelRequest(parseValue(identifiedPath, request.params, 'path').id),
  }))
  app.post('/requests/:id/retry', request =>
    operations.retryRequest(parseValue(identifiedPath, request.params, 'path').id),
  )

  app.post('/jobs/:name/reset', async request => {
    await operations.reset(
      parseValue(namedPath, request.params, 'path').name,
      parseValue(accountBody, request.body, 'body').account,
    )
    return {}
  })
  app.post('/jobs/:name/schedule', request => {
    const { account, paused } = parseValue(pauseBody, request.body, 'body')
    return operations.pauseSchedule({ job: parseValue(namedPath, request.params, 'path').name, account, paused })
  })
  app.post('/accounts/:name/forget', async request => {
    const { name } = parseValue(namedPath, request.params, 'path')
    await operations.forget(name, parseValue(forgetBody, request.body, 'body'))
    return {}
  })

  // One JSON line per event, until the run has ended; a caller that goes away aborts the run.
  app.post('/jobs/:name/runs', async (request, reply) => {
    const { name } = parseValue(namedPath, request.params, 'path')
    const body = parseValue(runBody, request.body, 'body')
    const gone = new AbortController()
    reply.raw.on('close', () => gone.abort(new DOMException('the caller went away', 'AbortError')))
    reply.hijack()
    const send = (event: RunEvent): void => {
      reply.raw.write(`${JSON.stringify(event)}\n`)
    }
    reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson' })
    const work = operations
      .run(
        { ...body, job: name, account: body.account, payload: body.payload },
        { onWaiting: () => send({ type: 'waiting' }), onProgress: progress => send({ type: 'progress', progress }) },
        AbortSignal.any([gone.signal, stopping.signal]),
      )
      .then(
        result => send({ type: 'result', result }),
        (error: unknown) =>
          send({ type: 'error', kind: error instanceof Error ? error.name : 'Error', ...tellError(error) }),
      )
    running.add(work)
    await work
    running.delete(work)
    reply.raw.end()
  })
  return app
}
