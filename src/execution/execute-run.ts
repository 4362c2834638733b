import type { JobResult } from '../definitions/define-job.ts'
import { LeaseLostError } from '../errors.ts'
import type { ObservedRun } from '../observer/observer.ts'
import { traceIdOf } from '../observer/trace-headers.ts'
import { type Ending, endAfter, endWith, type RunFacts } from '../runs/ending.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { admit } from './admit.ts'
import type { Execution } from './execution.ts'
import { perform } from './perform.ts'
import { requestFollowers } from './request-followers.ts'

export interface Executed {
  readonly observed: ObservedRun
  readonly ending: Ending
  /** What the job returned, or the error that ended it. */
  readonly outcome: { readonly result: JobResult } | { readonly thrown: unknown }
}

/** Runs a claimed run through the gate and its job. It doesn't throw: the error that ended the run is in the result. */
export function executeRun(deps: RunDeps, execution: Execution): Promise<Executed> {
  const { observer } = deps
  const { lease, requestId: request, trigger, probed, failures, claimAskedAt, kept, absorbed } = execution
  const run = { job: execution.job.name, account: execution.access.account.name, run: lease.runId, request }
  return observer.during(
    { kind: 'run', run, trigger, attempt: failures + 1, claimAskedAt, kept, absorbed },
    async trace => {
      const observed = trace ? { ...run, trace: traceIdOf(trace) } : run
      observer.runClaimed(observed, { trigger, probed })
      return execute({ ...deps, log: deps.log.child(observed) }, execution, observed)
    },
  )
}

/** @param deps.log tells the run in each line */
async function execute(deps: RunDeps, execution: Execution, observed: ObservedRun): Promise<Executed> {
  const { observer, clock } = deps
  const { signal, failures, probed, trigger, dryRun = false } = execution
  const claimedAt = clock.elapsed()
  let metBy: RunFacts['metBy'] = 'gate'
  try {
    const admitted = await admit(deps, execution, observed)
    metBy = 'run'
    observer.runBegan(observed, { trigger })
    const result = await perform(deps, execution, admitted, observed)
    const counts = 'counts' in result ? result.counts : undefined
    observer.runEnded(observed, { state: 'succeeded', durationMs: clock.elapsed() - claimedAt, counts })
    if (!dryRun) await requestFollowers(deps, execution, counts)
    return { observed, ending: endWith(result, { failures, dryRun }), outcome: { result } }
  } catch (thrown) {
    const stopped = signal.aborted ? signal.reason : undefined
    const ending = endAfter(thrown, { failures, probed, metBy, stopped })
    if (thrown instanceof LeaseLostError) observer.guardFired('fenced-write', observed)
    observer.runEnded(observed, { state: ending.run, durationMs: clock.elapsed() - claimedAt, error: thrown })
    if (metBy === 'run' && !dryRun) await requestFollowers(deps, execution, undefined)
    return { observed, ending, outcome: { thrown } }
  }
}
