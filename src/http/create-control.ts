import type { FastifyInstance } from 'fastify'
import { z } from 'zod'
import { TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import { requestStates } from '../store/schema.ts'
import { type RunEvent, tellError } from './control-events.ts'
import { addRequestRoutes, createFastify, parse } from './create-http.ts'
import type { Operations } from './operations.ts'

const named = z.object({ name: z.string() })
const accountBody = z.object({ account: z.string() })
const forgetBody = z.object({ configured: z.boolean() })
const runBody = z.object({
  account: z.string().optional(),
  payload: z.unknown().optional(),
  full: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  allowDeletions: z.boolean().default(false),
})
const limit = z.coerce.number().int().min(1).max(1000).default(20)
const identified = z.object({ id: z.string() })
const requestsQuery = z.object({
  state: z.enum(requestStates).optional(),
  job: z.string().optional(),
  account: z.string().optional(),
  limit,
})
const groupBody = z.object({
  states: z.array(z.enum(requestStates)),
  job: z.string().optional(),
  account: z.string().optional(),
  repeatable: z.boolean(),
})
const pauseBody = z.object({ account: z.string().optional(), paused: z.boolean() })
const runsQuery = z.object({ job: z.string().optional(), limit })
const rowsQuery = z.object({ table: z.string(), account: z.string().optional(), limit })

/**
 * Everything that may be asked of a worker, for the commands of the same user on the same machine: whoever may open the
 * socket (mode 0600) may ask.
 */
export function createControl(deps: { readonly operations: Operations; readonly log: Log }): FastifyInstance {
  const { operations, log } = deps
  const app = createFastify(log, tellError)
  addRequestRoutes(app, operations, 'cli')
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
  app.get('/runs', request => operations.listRuns(parse(runsQuery, request.query, 'query')))
  app.get('/rows', request => {
    const { table, account, limit } = parse(rowsQuery, request.query, 'query')
    return operations.listMirrorRows({ table, account, limit })
  })
  app.get('/worker', async () => ({ isRunning: await operations.hasWorker() }))
  app.get('/ping', () => operations.ping().then(() => ({})))

  app.get('/requests', request => operations.listRequests(parse(requestsQuery, request.query, 'query')))
  app.post('/requests/find', request => {
    const { states, job, account, repeatable } = parse(groupBody, request.body, 'body')
    return operations.findRequestIds({ states, job, account, repeatable })
  })
  app.post('/requests/:id/cancel', async request => ({
    state: await operations.cancelRequest(parse(identified, request.params, 'path').id),
  }))
  app.post('/requests/:id/retry', request => operations.retryRequest(parse(identified, request.params, 'path').id))

  app.post('/jobs/:name/reset', async request => {
    await operations.reset(named.parse(request.params).name, parse(accountBody, request.body, 'body').account)
    return {}
  })
  app.post('/jobs/:name/schedule', request => {
    const { account, paused } = parse(pauseBody, request.body, 'body')
    return operations.pauseSchedule({ job: named.parse(request.params).name, account, paused })
  })
  app.post('/accounts/:name/forget', async request => {
    await operations.forget(named.parse(request.params).name, parse(forgetBody, request.body, 'body'))
    return {}
  })

  // One JSON line per event, until the run has ended; a caller that goes away aborts the run.
  app.post('/jobs/:name/runs', async (request, reply) => {
    const { name } = named.parse(request.params)
    const body = parse(runBody, request.body, 'body')
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
