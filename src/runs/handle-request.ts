import type { Clock } from '../clock.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import { claimProbe, findHold, type Hold, placeHold } from '../gate/holds.ts'
import { jobsOf } from '../jobs/account-jobs.ts'
import type { JobDefinition, JobResult } from '../jobs/define-job.ts'
import { describeError, sayPublicly } from '../log.ts'
import type { ActiveRequest, Disposition, QueuedRequest, RequestHandler } from '../queue/request-queue.ts'
import { executeRun } from './execute-run.ts'
import type { Lease } from './lease.ts'
import type { PacedProgress } from './pace.ts'
import { createPlaces } from './places.ts'
import { decideAfter } from './retry-policy.ts'
import type { RunDeps } from './run-deps.ts'
import { abandonRun, findLaterTwin } from './run-record.ts'
import { addWaiter, removeWaiter } from './waiters.ts'
import { wakeNext } from './wake.ts'

/** A request that waits for a lease looks again after so long, if nobody wakes it before. */
const leasePauseMs = 10_000
const followPauseMs = 3_000
const storePauseMs = 2_000
/** Runs of one account at a time in this process, so that it can't take every place, and how long another one waits. */
const concurrentRuns = 4
const placePauseMs = 1_000
const unknownPauseMs = 60_000
const progressEveryMs = 500

/** The way of a request from the queue: hold? → lease → run → what becomes of it. */
export function createRequestHandler(deps: RunDeps): RequestHandler {
  const places = createPlaces()
  const logUnknown = createUnknownLog(deps)
  return async (request, signal) => {
    const job = deps.jobs.get(request.job)
    const access = deps.accounts.get(request.account)
    if (!job || !access || !jobsOf(access.account, [job]).includes(job)) {
      // It was accepted by a process that knew it: another one, or this one's next version, will know it again.
      logUnknown(request)
      return { kind: 'put-back', delayMs: unknownPauseMs }
    }
    try {
      const ending = await findEnding(deps, request)
      if (ending) return ending
      const hold = await findHold(deps.store, request.account, request.job)
      if (hold && hold.dueInMs > 0) return await putAside(deps, request, hold.dueInMs)
      const { limits } = access.account
      if (!places.take(request.account, limits?.concurrentRuns ?? concurrentRuns)) {
        return { kind: 'put-back', delayMs: placePauseMs }
      }
      try {
        const lease = await deps.leases.take(request.account, job.name)
        if (!lease) return await putAside(deps, request, leasePauseMs)
        return await runUnderLease(deps, { lease, job, access, hold }, request, signal)
      } finally {
        places.leave(request.account)
      }
    } catch (error) {
      // The store is away: the request waits in the queue until it is back.
      deps.log.warn({ error, request: request.id }, 'a request could not be looked at and is tried again')
      return { kind: 'put-back', delayMs: storePauseMs }
    }
  }
}

/** Says once of each account and job that it is asked for in vain, since its requests come back each minute. */
function createUnknownLog({ log }: RunDeps): (request: ActiveRequest) => void {
  const told = new Set<string>()
  return ({ account, job }) => {
    const name = `${account}/${job}`
    if (told.has(name)) return
    told.add(name)
    log.warn({ job, account }, 'requests name a job or account that does not run here: they wait until it does')
  }
}

/**
 * A request that was put back after its start, and of which an equal one was made meanwhile, ends as that one ends: else an
 * outage would leave a row of equal requests that all run when it is over.
 *
 * @returns undefined when there is no such one, or when it is gone, so that this one has to run itself
 */
async function findEnding(deps: RunDeps, request: ActiveRequest): Promise<Disposition | undefined> {
  const twin = await findFollowed(deps, request)
  if (!twin) return undefined
  if (request.follows === undefined) {
    await removeWaiter(deps.store, request.id)
    await abandonRun(deps.store, request.id, twin.id)
  }
  if (twin.state === 'done') return { kind: 'done' }
  if (twin.state === 'failed') return { kind: 'failed', reason: twin.failedReason ?? `as request ${twin.id} did` }
  return { kind: 'put-back', delayMs: followPauseMs, change: { follows: twin.id } }
}

/** The equal request that this one follows already, or that waits to start, or that has started after this one did. */
async function findFollowed({ store, queue }: RunDeps, request: ActiveRequest): Promise<QueuedRequest | undefined> {
  const ways = [() => request.follows, () => request.findTwin(), () => findLaterTwin(store, request)]
  for (const find of ways) {
    const id = await find()
    const twin = id === undefined ? undefined : await queue.find(id)
    if (twin) return twin
  }
  return undefined
}

async function putAside(deps: RunDeps, request: ActiveRequest, delayMs: number): Promise<Disposition> {
  await addWaiter(deps.store, request)
  // Spread out, so that a thousand waiters don't come back in one instant.
  return { kind: 'put-back', delayMs: Math.ceil(delayMs * (1 + Math.random() * 0.2)) + 50 }
}

async function runUnderLease(
  deps: RunDeps,
  { lease, job, access, hold }: { lease: Lease; job: JobDefinition; access: AccountAccess; hold: Hold | undefined },
  request: ActiveRequest,
  signal: AbortSignal,
): Promise<Disposition> {
  let metBy: 'gate' | 'run' = 'gate'
  try {
    // Of all that wait for a hold to end, in all processes, one goes to see.
    if (hold && !(await claimProbe(deps.store, hold))) return await putAside(deps, request, leasePauseMs)
    if (hold) access.lookAfresh()
    await removeWaiter(deps.store, request.id)
    const result = await executeRun(deps, lease, {
      job,
      access,
      requestId: request.id,
      trigger: request.trigger,
      attempt: request.failures + 1,
      payload: request.payload,
      signal,
      async onStart() {
        metBy = 'run'
        await request.forgetTwin()
      },
      onProgress: reportSometimes(deps.clock, progress => void request.progress(progress).catch(() => {})),
    })
    return afterResult(result)
  } catch (error) {
    if (signal.aborted) return { kind: 'put-back', delayMs: 0 }
    return await afterError(deps, request, error, { metBy, probed: hold !== undefined })
  } finally {
    await deps.leases.release(lease).catch(error => deps.log.warn({ error }, 'a lease is released a little later'))
    await wakeNext(deps, lease.account, lease.job)
  }
}

/** A report is a write to the queue's database, and pages come faster than anybody looks. */
function reportSometimes(clock: Clock, report: (progress: PacedProgress) => void): (progress: PacedProgress) => void {
  let reportedAt = Number.NEGATIVE_INFINITY
  return progress => {
    if (clock.now() - reportedAt < progressEveryMs) return
    reportedAt = clock.now()
    report(progress)
  }
}

function afterResult(result: JobResult): Disposition {
  return 'waitMs' in result ? { kind: 'put-back', delayMs: result.waitMs } : { kind: 'done' }
}

async function afterError(
  deps: RunDeps,
  request: ActiveRequest,
  error: unknown,
  { metBy, probed }: { metBy: 'gate' | 'run'; probed: boolean },
): Promise<Disposition> {
  const decision = decideAfter(error, request.failures)
  if (decision.kind === 'hold') {
    const pauseMs = await placeHold(deps.store, request.account, request.job, decision.cause, metBy, probed)
    return await putAside(deps, request, pauseMs)
  }
  if (decision.kind === 'again') {
    const change = decision.countsAsFailure ? { failures: request.failures + 1 } : {}
    return { kind: 'put-back', delayMs: decision.delayMs, change }
  }
  return { kind: 'failed', reason: sayPublicly(describeError(error)) }
}
