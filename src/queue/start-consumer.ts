import { DelayedError, type Job, UnrecoverableError } from 'bullmq'
import { type Clock, settlesWithin } from '../clock.ts'
import { isOpen } from './add-request.ts'
import { type BullQueue, createBullWorker, type QueueLocation } from './bullmq-backend.ts'
import { deduplicationId, type RequestData, requestDataSchema } from './request.ts'
import type { Consumer, RequestHandler } from './request-queue.ts'

/** Hands the queue's requests to `handler`, some at a time, and does with each what the handler says. */
export function startConsumer(
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
        async findTwin() {
          const twin = await queue.getDeduplicationJobId(deduplicationId(data.data))
          if (twin === null || twin === id) return undefined
          const job = await queue.getJob(twin)
          return job && (await isOpen(job)) ? twin : undefined
        },
        progress: value => job.updateProgress(value),
      },
      worded(signal),
    )
    if (disposition.kind === 'failed') throw new UnrecoverableError(disposition.reason)
    if (disposition.kind === 'put-back') {
      if (disposition.change) await job.updateData({ ...data.data, ...disposition.change })
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

/** BullMQ aborts with a bare text, which nothing that expects an error can tell to a person. */
function worded(signal: AbortSignal | undefined): AbortSignal {
  const controller = new AbortController()
  const abort = () =>
    controller.abort(new DOMException(`The run was stopped, because ${String(signal?.reason)}.`, 'AbortError'))
  if (signal?.aborted) abort()
  else signal?.addEventListener('abort', abort, { once: true })
  return controller.signal
}
