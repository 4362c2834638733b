import { UsageError } from '../errors.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import type { JobDefinition, JobResult, RunOptions } from '../jobs/define-job.ts'
import { executeRun } from './execute-run.ts'
import type { Lease } from './lease.ts'
import type { PacedProgress } from './pace.ts'
import type { RunDeps } from './run-deps.ts'
import { wakeNext } from './wake.ts'

export interface RunNow extends Partial<RunOptions> {
  readonly job: JobDefinition
  readonly access: AccountAccess
  readonly payload: unknown
  readonly signal: AbortSignal
  /** Called once when another run holds the lease and this one waits for it. */
  onWaiting(): void
  onProgress(progress: PacedProgress): void
}

const leasePauseMs = 500

/** One run in the foreground: through the same gate and under the same lease, but what refuses it is thrown, not held. */
export async function runNow(deps: RunDeps, run: RunNow): Promise<JobResult> {
  if (run.job.needsWorker) {
    throw new UsageError({
      found: `${run.job.name} is made of requests that a worker runs`,
      remedy: 'use "bootstrap --wait"',
    })
  }
  if (run.dryRun && !run.job.canDryRun) {
    throw new UsageError(`${run.job.name} can't tell what it would change; only jobs that mirror a table can`)
  }
  const requestId = `run-${crypto.randomUUID()}`
  for (;;) {
    const lease = await waitForLease(deps, run)
    let result: JobResult
    try {
      result = await executeRun(deps, lease, {
        ...run,
        requestId,
        trigger: run.dryRun ? 'dry-run' : 'cli',
        attempt: 1,
        async onStart() {},
      })
    } finally {
      await deps.leases.release(lease).catch(error => deps.log.warn({ error }, 'a lease is released a little later'))
      await wakeNext(deps, lease.account, lease.job)
    }
    if (!('waitMs' in result)) return result
    await deps.clock.sleep(result.waitMs, run.signal)
  }
}

async function waitForLease(deps: RunDeps, run: RunNow): Promise<Lease> {
  for (let told = false; ; told = true) {
    const lease = await deps.leases.take(run.access.account.name, run.job.name)
    if (lease) return lease
    if (!told) run.onWaiting()
    await deps.clock.sleep(leasePauseMs, run.signal)
  }
}
