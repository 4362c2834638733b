import type { Job } from 'bullmq'
import type { BullQueue } from './bullmq-backend.ts'
import { deduplicationId, type NewRequest, priorities, type RequestData } from './request.ts'
import type { AcceptedRequest } from './request-queue.ts'

/** Adds a request, unless an equal one waits or its id is known: then that one is what the caller gets. */
export async function addRequest(queue: BullQueue, request: NewRequest): Promise<AcceptedRequest> {
  const known = request.id === undefined ? undefined : await queue.getJob(request.id)
  if (known) return { id: String(known.id), absorbed: true }
  const { job, ...first } = await offer(queue, request)
  if (!(await keepsDeadKey(queue, job, request))) return first
  await queue.removeDeduplicationKey(deduplicationId(request))
  if (first.id === request.id) return { id: first.id, absorbed: true }
  const { job: _, ...second } = await offer(queue, request)
  return second
}

/**
 * BullMQ's Postgres backend lets a request that ended between two adds of its id keep the deduplication key, and would absorb
 * every equal request from then on. One that ended in good order has given its key away.
 */
async function keepsDeadKey(queue: BullQueue, job: Job<RequestData, void>, request: NewRequest): Promise<boolean> {
  const state = await job.getState()
  if (state !== 'completed' && state !== 'failed' && state !== 'unknown') return false
  return (await queue.getDeduplicationJobId(deduplicationId(request))) === job.id
}

/** Whether a request has yet to end. */
export async function isOpen(job: Job<RequestData, void>): Promise<boolean> {
  const state = await job.getState()
  // An unknown one has just ended and was removed, or is being moved: the queue will tell the next time it is asked.
  return state !== 'completed' && state !== 'failed'
}

async function offer(
  queue: BullQueue,
  request: NewRequest,
): Promise<AcceptedRequest & { readonly job: Job<RequestData, void> }> {
  const { account, job: name, payload, trigger } = request
  const id = request.id ?? crypto.randomUUID()
  const priority = priorities[request.priority ?? 'normal']
  const job = await queue.add(
    name,
    { account, job: name, payload, trigger, failures: 0 },
    { jobId: id, priority, deduplication: { id: deduplicationId(request) } },
  )
  const absorbed = job.id !== id
  // The twin may start or end in this very moment; it was there when it absorbed this request, and that is what counts.
  if (absorbed && job.id) await raiseTwin(queue, job.id, priority).catch(() => {})
  return { id: job.id ?? id, absorbed, job }
}

/** An absorbed request that is more urgent than its twin hurries it. */
async function raiseTwin(queue: BullQueue, id: string, priority: number): Promise<void> {
  const twin = await queue.getJob(id)
  if (!twin || twin.priority <= priority) return
  await twin.changePriority({ priority })
  if ((await twin.getState()) === 'delayed') await twin.promote()
}
