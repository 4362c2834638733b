import { DelayedError, type Job, UnrecoverableError } from 'bullmq'
import { type Clock, settlesWithin } from '../clock.ts'
import { TransientError } from '../errors.ts'
import type { Log } from '../log.ts'
import { type BullQueue, createBullQueue, createBullWorker, type QueueLocation } from './bullmq-backend.ts'
import { createErrorLog } from './error-log.ts'
import { inspectRedis } from './inspect-redis.ts'
import { deduplicationId, type NewRequest, priorities, type RequestData, requestDataSchema } from './request.ts'

export interface AcceptedRequest {
  readonly id: string
  /** True when an equal request was already waiting, or when its id was known: nothing was added. */
  readonly absorbed: boolean
}

export type RequestState = 'waiting' | 'delayed' | 'running' | 'done' | 'failed'

export interface QueuedRequest extends RequestData {
  readonly id: string
  readonly state: RequestState
  readonly requestedAt: Date
  readonly failedReason?: string
  readonly progress?: unknown
}

/** A request that a worker has in its hands. */
export interface ActiveRequest extends RequestData {
  readonly id: string
  /** From now on an equal request makes a new one: called when the run really starts, before it reads anything. */
  forgetTwin(): Promise<void>
  /** Whether an equal request is waiting, made after `forgetTwin`. */
  hasTwin(): Promise<boolean>
  progress(value: object): Promise<void>
}

/** What is to become of a request after a worker had it. */
export type Disposition =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'put-back'; readonly delayMs: number; readonly failures?: number }

export type RequestHandler = (request: ActiveRequest, signal: AbortSignal) => Promise<Disposition>

export interface Consumer {
  /** Takes no more requests, waits up to `graceMs` for those in hand, then aborts them. */
  stop(graceMs: number): Promise<void>
}

export interface RequestQueue extends AsyncDisposable {
  add(request: NewRequest): Promise<AcceptedRequest>
  find(id: string): Promise<QueuedRequest | undefined>
  /** Starts a delayed request now. Tells whether the request is still open: one that isn't needs no waking. */
  promote(id: string): Promise<boolean>
  consume(handler: RequestHandler, options: { concurrency: number }): Consumer
  /** What would lose requests, in words for the operator. */
  readonly warning: string | undefined
  /** Rejects when the queue can't be reached. */
  ping(): Promise<void>
}

export async function openQueue(location: QueueLocation, deps: { clock: Clock; log: Log }): Promise<RequestQueue> {
  const warning = 'redisUrl' in location ? await inspectRedis(location.redisUrl) : undefined
  const queue = await createBullQueue(location)
  const logError = createErrorLog(deps)
  queue.on('error', logError)
  await queue.waitUntilReady()
  const consumers = new Set<Consumer>()

  return {
    async add(request) {
      return translate(() => addRequest(queue, request))
    },
    async find(id) {
      return translate(async () => {
        const job = await queue.getJob(id)
        return job && (await describeJob(job))
      })
    },
    async promote(id) {
      return translate(async () => {
        const job = await queue.getJob(id)
        const state = await job?.getState()
        // It may be picked up in this very moment, which is just as well.
        if (state === 'delayed') await job?.promote().catch(() => {})
        return state !== undefined && state !== 'completed' && state !== 'failed'
      })
    },
    consume(handler, options) {
      const consumer = startConsumer(location, queue, handler, { ...options, ...deps, logError })
      consumers.add(consumer)
      return consumer
    },
    warning,
    async ping() {
      await translate(() => queue.getJobCounts('waiting'))
    },
    async [Symbol.asyncDispose]() {
      // A start that failed half way leaves its consumer behind, which would ask a closed database for work for ever.
      await Promise.all([...consumers].map(consumer => consumer.stop(0)))
      // BullMQ's close never returns while Redis is down.
      await settlesWithin(deps.clock, 2_000, queue.close())
    },
  }
}

async function addRequest(queue: BullQueue, request: NewRequest): Promise<AcceptedRequest> {
  if (request.id) {
    // Asked first because BullMQ's Postgres backend would hand the deduplication key to a request that has already run.
    const known = await queue.getJob(request.id)
    if (known) return { id: request.id, absorbed: true }
  }
  const id = request.id ?? crypto.randomUUID()
  const priority = priorities[request.priority ?? 'normal']
  const job = await queue.add(
    request.job,
    {
      account: request.account,
      job: request.job,
      payload: request.payload,
      trigger: request.trigger,
      failures: 0,
    },
    { jobId: id, priority, deduplication: { id: deduplicationId(request) } },
  )
  const absorbed = job.id !== id
  // The twin may start or end in this very moment; it was there when it absorbed this request, and that is what counts.
  if (absorbed && job.id) await raiseTwin(queue, job.id, priority).catch(() => {})
  return { id: job.id ?? id, absorbed }
}

/** An absorbed request that is more urgent than its twin hurries it. */
async function raiseTwin(queue: BullQueue, id: string, priority: number): Promise<void> {
  const twin = await queue.getJob(id)
  if (!twin || twin.priority <= priority) return
  await twin.changePriority({ priority })
  if ((await twin.getState()) === 'delayed') await twin.promote()
}

/** @returns undefined for what another version has written and this one can't read */
async function describeJob(job: Job<RequestData, void>): Promise<QueuedRequest | undefined> {
  const data = requestDataSchema.safeParse(job.data)
  if (!data.success) return undefined
  const state = await job.getState()
  return {
    ...data.data,
    id: String(job.id),
    state: requestStates[state] ?? 'waiting',
    requestedAt: new Date(job.timestamp),
    ...(job.failedReason && { failedReason: job.failedReason }),
    ...(typeof job.progress === 'object' && { progress: job.progress }),
  }
}

const requestStates: Readonly<Record<string, RequestState>> = {
  delayed: 'delayed',
  active: 'running',
  completed: 'done',
  failed: 'failed',
}

function startConsumer(
  location: QueueLocation,
  queue: BullQueue,
  handler: RequestHandler,
  options: { concurrency: number; clock: Clock; logError: (error: Error) => void },
): Consumer {
  const { clock, concurrency, logError } = options
  const process = async (job: Job<RequestData, void>, token?: string, signal?: AbortSignal): Promise<void> => {
    const data = requestDataSchema.safeParse(job.data)
    if (!data.success) {
      throw new UnrecoverableError('This request was written by another version of the worker and can not be read.')
    }
    const id = String(job.id)
    const disposition = await handler(
      {
        ...data.data,
        id,
        async forgetTwin() {
          await job.removeDeduplicationKey()
        },
        async hasTwin() {
          const twin = await queue.getDeduplicationJobId(deduplicationId(data.data))
          return twin !== null && twin !== id
        },
        progress: value => job.updateProgress(value),
      },
      signal ?? new AbortController().signal,
    )
    if (disposition.kind === 'failed') throw new UnrecoverableError(disposition.reason)
    if (disposition.kind === 'put-back') {
      const failures = disposition.failures ?? data.data.failures
      if (failures !== data.data.failures) await job.updateData({ ...data.data, failures })
      await job.moveToDelayed(clock.now() + Math.ceil(disposition.delayMs), token)
      throw new DelayedError()
    }
  }
  // BullMQ passes the signal only to a function that declares three parameters.
  const worker = createBullWorker(location, (job, token, signal) => process(job, token, signal), concurrency)
  worker.on('error', logError)
  worker.on('lockRenewalFailed', ids => {
    for (const id of ids) worker.cancelJob(id, 'the queue gave this request to another worker')
  })
  const stop = async (graceMs: number): Promise<void> => {
    const closed = worker.close()
    if (await settlesWithin(clock, graceMs, closed)) return
    worker.cancelAllJobs('the worker is shutting down')
    // With Redis down BullMQ's close never returns: leases and locks then expire by themselves.
    await settlesWithin(clock, 5_000, closed)
  }
  let stopped: Promise<void> | undefined
  return {
    stop(graceMs) {
      stopped ??= stop(graceMs)
      return stopped
    },
  }
}

/** What the queue's driver throws becomes one sentence; a caller may try again later. */
async function translate<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw new TransientError('queue', 'The queue can not be reached: check that its Redis or Postgres is up.', {
      cause: error,
    })
  }
}
