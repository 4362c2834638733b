import { jobsOf } from '../definitions/account-jobs.ts'
import { sqlStateOf } from '../sql-state.ts'
import { claimRun } from './claim-run.ts'
import { endRun } from './end-run.ts'
import type { Ending } from './ending.ts'
import { executeRun } from './execute-run.ts'
import type { Line, LineName } from './line.ts'
import type { RunDeps } from './run-deps.ts'

/** Runs of one account at a time, over all processes, where the account says nothing else. */
export const defaultSlots = 4
/** Milliseconds between two attempts to record how a run ended while the store is away. */
const endAgainMs = 1_000

/**
 * Claims the line's first request and runs it; what it leaves to do is woken.
 *
 * @returns whether there was anything to run
 */
export async function runLine(deps: RunDeps, line: LineName, stopping: AbortSignal): Promise<boolean> {
  const { store, log } = deps
  const job = deps.jobs.get(line.job)
  const access = deps.accounts.get(line.account)
  if (!job || !access || !jobsOf(access.account, [job]).includes(job)) {
    // A process that knows it finds it by its look.
    log.debug({ ...line, guard: 'ticket-unserved' }, 'a ticket names a job or account that does not run here')
    return false
  }
  using hand = deps.process.takeInHand()
  const { runId } = hand
  const slots = access.account.limits?.concurrentRuns ?? defaultSlots
  const claim = await claimRun(store, { line, runId, processId: deps.process.id, slots })
  if (typeof claim === 'string') {
    log.debug({ ...line, guard: `claim-${claim}` }, 'nothing was claimed')
    return false
  }
  if (claim.probed) access.lookAfresh()
  const signal = AbortSignal.any([hand.signal, stopping])
  const { ending } = await executeRun(deps, { ...claim, job, access, signal })
  deps.wake(await endSurely(deps, runId, ending, stopping))
  return true
}

/** SQLSTATE class 22: a value that Postgres can't hold. */
function isRefusedValue(error: unknown): boolean {
  return sqlStateOf(error)?.startsWith('22') === true
}

function unrecordable({ failures }: Ending): Ending {
  const found = 'What the run reported can not be stored'
  return {
    run: 'failed',
    request: 'failed',
    pauseMs: 0,
    failures,
    error: { code: 'unrecordable', found, remedy: 'look at what the job returns, and at its counts and positions' },
    lifts: false,
  }
}

/** An ending that isn't written down would make the others wait until this process is taken for dead. */
export async function endSurely(
  { store, clock, log }: Pick<RunDeps, 'store' | 'clock' | 'log'>,
  runId: string,
  ending: Ending,
  stopping: AbortSignal,
): Promise<readonly Line[]> {
  for (let recorded = ending; ; ) {
    try {
      const wake = await endRun(store, runId, recorded)
      if (!wake)
        log.warn({ run: runId, guard: 'end-refused' }, 'the run had lost its lease: how it ended is not recorded')
      return wake ?? []
    } catch (error) {
      log.warn({ error, run: runId }, 'how a run ended could not be recorded and is recorded again')
      // Trying the same again wouldn't help, and the line must not wait for ever.
      if (isRefusedValue(error)) recorded = unrecordable(ending)
      if (stopping.aborted) return []
      await clock.sleep(endAgainMs, stopping).catch(() => {})
    }
  }
}
