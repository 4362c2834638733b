import { jobsOf } from '../definitions/account-jobs.ts'
import { messageOf } from '../errors.ts'
import { sqlStateOf } from '../failures/sql-state.ts'
import type { ObservedRun } from '../observer/observer.ts'
import type { RunInHand } from '../process/runs-in-hand.ts'
import { type ClaimedRun, claimRun } from '../runs/claim-run.ts'
import { type EndedRun, endRun, type NextRun } from '../runs/end-run.ts'
import type { Ending } from '../runs/ending.ts'
import type { LineName } from '../runs/line.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { slotsOf } from '../runs/slots.ts'
import type { Turn } from '../runs/turns.ts'
import { NoJsonError } from '../store/gather.ts'
import { explainLack } from '../store/lost-connection.ts'
import { createOncePerMinute } from '../time/once-per-minute.ts'
import { executeRun } from './execute-run.ts'
import { openRunSignal } from './run-signal.ts'

/** Milliseconds between attempts to record how a run ended while the store is down. */
const endAgainMs = 1_000

/**
 * Runs the requests of a line one after another during its turn. What remains is woken.
 *
 * @param stopping aborts the active run
 * @returns whether there was anything to run
 */
export function runLine(
  deps: RunDeps,
  { account, job }: LineName,
  stopping: AbortSignal,
  turn: Turn,
): Promise<boolean> {
  const line = { job, account }
  return deps.observer.during({ kind: 'line', line }, () => takeTurn(deps, line, stopping, turn))
}

async function takeTurn(deps: RunDeps, line: LineName, stopping: AbortSignal, turn: Turn): Promise<boolean> {
  const { store, observer, clock, process } = deps
  const job = deps.jobs.get(line.job)
  const access = deps.accounts.get(line.account)
  if (!job || !access || !jobsOf(access.account, [job]).includes(job)) {
    // A process that knows the job finds the line by its look.
    observer.guardFired('ticket-unserved', line)
    return false
  }
  using hands = new DisposableStack()
  let hand: RunInHand = hands.use(process.takeInHand())
  // While this process isn't heard, its runs are aborted as they start; it would claim them again endlessly.
  if (hand.signal.aborted) return false
  let claimAskedAt = clock.now()
  const wanted = { ...line, runId: hand.runId, processId: process.id, ...slotsOf(access.account, job) }
  const claimed = await claimRun(store, wanted)
  if (typeof claimed === 'string') {
    observer.nothingClaimed(line, claimed)
    return false
  }
  for (let claim: ClaimedRun | undefined = claimed; claim; ) {
    hand.begin()
    if (claim.probed) access.lookAfresh()
    using run = openRunSignal(hand.signal, stopping)
    const { observed, ending } = await executeRun(deps, { ...claim, job, access, signal: run.signal, claimAskedAt })
    const over = hand
    // An aborted run is a bad sign for the next one: this process may not be heard.
    const next = hand.signal.aborted ? 'end' : turn()
    if (next !== 'end') hand = hands.use(process.takeInHand())
    claimAskedAt = clock.now()
    const nextRun = next === 'end' ? undefined : { id: hand.runId, yields: next === 'yield' }
    const ended = await endSurely(deps, observed, ending, stopping, nextRun)
    // Otherwise each heartbeat during a long run after it would report that this run has no lease.
    over[Symbol.dispose]()
    deps.wake(ended?.wake ?? [])
    claim = ended?.next
  }
  return true
}

function unrecordable({ failures }: Ending): Ending {
  const found = 'What the run reported cannot be stored'
  return {
    run: 'failed',
    request: 'failed',
    pauseMs: 0,
    failures,
    error: { code: 'unrecordable', found, remedy: 'check what the job returns, including its counts and positions' },
    lifts: false,
  }
}

/**
 * If a run's end weren't recorded, its line would wait until this process is declared dead.
 *
 * @returns undefined if the run had lost its lease: its request runs again, or already has
 */
export async function endSurely(
  { store, clock, log, observer }: Pick<RunDeps, 'store' | 'clock' | 'log' | 'observer'>,
  run: ObservedRun,
  ending: Ending,
  stopping: AbortSignal,
  nextRun?: NextRun,
): Promise<EndedRun | undefined> {
  const isNew = createOncePerMinute(clock)
  for (let recorded = ending, next = nextRun; ; next = undefined) {
    try {
      const ended = await endRun(store, run.run, recorded, next)
      if (!ended) {
        observer.guardFired('end-refused', run)
        return undefined
      }
      if (recorded.hold) observer.holdPlaced(run, recorded.hold)
      for (const hold of ended.lifted) observer.holdLifted(run, hold)
      return ended
    } catch (error) {
      if (isNew(messageOf(error))) {
        log.warn({ error: explainLack(error), ...run }, 'how a run ended could not be recorded; the worker tries again')
      }
      // A value has no JSON, or Postgres can't store it (SQLSTATE class 22). Repeating it wouldn't help, and the line must not
      // wait forever.
      if (error instanceof NoJsonError || sqlStateOf(error)?.startsWith('22')) recorded = unrecordable(ending)
      if (stopping.aborted) return nothing
      await clock.sleep(endAgainMs, stopping).catch(() => {})
    }
  }
}

const nothing: EndedRun = { wake: [], lifted: [], next: undefined }
