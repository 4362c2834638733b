import type { JobDefinition, JobResult } from '../definitions/define-job.ts'
import { clampPause, PermanentError, UsageError, type WorkerError } from '../errors.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import { traceIdOf } from '../observer/trace-headers.ts'
import { type ClaimedRun, claimRun, type WantedClaim } from '../runs/claim-run.ts'
import { inForeground } from '../runs/ending.ts'
import type { LineName } from '../runs/line.ts'
import { reapDeadProcesses } from '../runs/reap.ts'
import { cancelRequest, reserveRequest } from '../runs/requests.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { slotsOf } from '../runs/slots.ts'
import { executeRun } from './execute-run.ts'
import type { Execution } from './execution.ts'
import type { PacedProgress } from './pace.ts'
import { endSurely } from './run-line.ts'
import { openRunSignal } from './run-signal.ts'

export interface RunNow {
  readonly job: JobDefinition
  readonly access: AccountAccess
  readonly payload: unknown
  /** Default false. */
  readonly dryRun?: boolean
  readonly signal: AbortSignal
  /** Called once if another run has the line and this one waits for it. */
  onWaiting(): void
  onProgress(progress: PacedProgress): void
}

/** Milliseconds between checks whether the line is free. */
const lookEveryMs = 250
/** The same while its lease is locked, as by another claim for a few milliseconds, and how many of them aren't worth a word. */
const lookAtLockEveryMs = 25
const quietLooksAtLock = 10

/**
 * One run in the foreground: a request that only this process may run, first in its line, through the same gate and under the
 * same lease. A refusal is thrown and places no hold.
 */
export async function runNow(deps: RunDeps, run: RunNow): Promise<JobResult> {
  if (run.job.needsWorker) {
    throw new UsageError({
      found: `${run.job.name} consists of requests that a worker runs`,
      remedy: 'run "npm run -s cli -- bootstrap --wait"',
    })
  }
  if (run.dryRun && !run.job.canDryRun) {
    throw new UsageError(`${run.job.name} does not support dry runs: only jobs that mirror a table do`)
  }
  for (;;) {
    const result = await runOnce(deps, run)
    if (!('waitMs' in result)) return result
    await deps.clock.sleep(clampPause(result.waitMs), run.signal)
  }
}

async function runOnce(deps: RunDeps, run: RunNow): Promise<JobResult> {
  const { store, observer } = deps
  const line = { job: run.job.name, account: run.access.account.name }
  using hand = deps.process.takeInHand()
  const trigger = run.dryRun ? 'dry-run' : 'cli'
  const requestId = await observer.during({ kind: 'request', line, trigger, caller: undefined }, async trace => {
    const reserved = { ...line, payload: run.payload, trigger, processId: deps.process.id, trace }
    const request = await reserveRequest(store, reserved)
    observer.requestAccepted(line, { request, trigger, absorbed: false, trace: trace && traceIdOf(trace) })
    return request
  })
  const claim = await waitForClaim(deps, run, { ...line, runId: hand.runId, requestId }).catch(async error => {
    await cancelRequest(store, requestId).catch(() => {})
    throw error
  })
  hand.begin()
  using own = openRunSignal(hand.signal, run.signal)
  const { observed, ending, outcome } = await executeRun(deps, { ...run, ...claim, probed: true, signal: own.signal })
  const ended = await endSurely(deps, observed, inForeground(ending), run.signal)
  deps.wake(ended?.wake ?? [])
  if ('thrown' in outcome) throw outcome.thrown
  if (!ended) throw unsure(line)
  return outcome.result
}

function unsure({ account, job }: LineName): PermanentError {
  return new PermanentError('lease-lost', {
    found: `The run of ${job} for account "${account}" ended after it lost its lease, so its writes may be gone`,
    remedy: 'run it again',
  })
}

async function waitForClaim(
  deps: RunDeps,
  run: RunNow,
  wanted: Pick<Required<WantedClaim>, 'account' | 'job' | 'runId' | 'requestId'>,
): Promise<ClaimedRun & Pick<Execution, 'claimAskedAt'>> {
  const { store, clock, process } = deps
  const range = slotsOf(run.access.account, run.job)
  let isTold = false
  for (let looks = 1; ; looks += 1) {
    const claimAskedAt = clock.now()
    const claim = await claimRun(store, { ...wanted, processId: process.id, ...range })
    if (typeof claim !== 'string') return { ...claim, claimAskedAt }
    if (claim === 'gone') throw await explainGone(store, wanted.requestId)
    if (claim === 'locked' && looks <= quietLooksAtLock) {
      await clock.sleep(lookAtLockEveryMs, run.signal)
      continue
    }
    if (!isTold) run.onWaiting()
    isTold = true
    await reapDeadProcesses(store)
    await clock.sleep(lookEveryMs, run.signal)
  }
}

/** Someone cancelled the reserved request, or this process was declared dead while it waited. */
async function explainGone(store: RunDeps['store'], requestId: string): Promise<WorkerError> {
  const row = await store
    .selectFrom('worker.requests')
    .select(['error_code', 'error_found', 'error_remedy'])
    .where('id', '=', requestId)
    .executeTakeFirst()
  return new PermanentError(row?.error_code ?? 'gone', {
    found: row?.error_found ?? 'Its request was deleted meanwhile',
    remedy: row?.error_remedy ?? undefined,
  })
}
