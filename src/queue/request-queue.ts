import type { Job } from 'bullmq'
import { type Clock, settlesWithin } from '../clock.ts'
import { type Explanation, TransientError, WorkerError } from '../errors.ts'
import type { Log } from '../log.ts'
import { explainPostgresFailure } from '../store/postgres-failure.ts'
import { addRequest, isOpen } from './add-request.ts'
import { createBullQueue, type QueueLocation } from './bullmq-backend.ts'
import { createErrorLog } from './error-log.ts'
import { inspectRedis, probeRedis } from './inspect-redis.ts'
import { explainRedisFailure } from './redis-failure.ts'
import { type NewRequest, type RequestData, requestDataSchema } from './request.ts'
import { startConsumer } from './start-consumer.ts'

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
  /** An equal request that was made after `forgetTwin` and is still open: it does what this one was to do. */
  findTwin(): Promise<string | undefined>
  progress(value: object): Promise<void>
}

/** What is to become of a request after a worker had it. */
export type Disposition =
  | { readonly kind: 'done' }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'put-back'; readonly delayMs: number; readonly change?: RequestChange }

/** What is noted in the request until it is picked up again. */
export type RequestChange = Partial<Pick<RequestData, 'failures' | 'follows'>>

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
  readonly warning: Explanation | undefined
  /** Rejects when the queue can't be reached. */
  ping(): Promise<void>
}

export async function openQueue(location: QueueLocation, deps: { clock: Clock; log: Log }): Promise<RequestQueue> {
  const warning = 'redisUrl' in location ? await inspectRedis(location.redisUrl) : undefined
  const queue = await createBullQueue(location)
  const explain =
    'redisUrl' in location
      ? (error: unknown) => explainRedisFailure(error, 'Redis')
      : (error: unknown) => explainPostgresFailure(error, 'Postgres')
  /** What the queue's driver throws becomes one sentence; a caller may try again later. */
  const translate = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (error) {
      if (error instanceof WorkerError) throw error
      throw new TransientError('queue', explain(error), { cause: error })
    }
  }
  const logError = createErrorLog(deps, explain)
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
        if (!job || !(await isOpen(job))) return false
        // It may be picked up in this very moment, which is just as well.
        if ((await job.getState()) === 'delayed') await job.promote().catch(() => {})
        return true
      })
    },
    consume(handler, options) {
      const consumer = startConsumer(location, queue, handler, { ...options, ...deps, logError })
      consumers.add(consumer)
      return consumer
    },
    warning,
    async ping() {
      // A queue that can be read may still take no requests.
      if ('redisUrl' in location) await probeRedis(location.redisUrl)
      else await translate(() => queue.getJobCounts('waiting'))
    },
    async [Symbol.asyncDispose]() {
      // A start that failed half way leaves its consumer behind, which would ask a closed database for work for ever.
      await Promise.all([...consumers].map(consumer => consumer.stop(0)))
      // BullMQ's close never returns while Redis is down.
      await settlesWithin(deps.clock, 2_000, queue.close())
    },
  }
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
