import type { RunDeps } from '../runs/run-deps.ts'
import { dropLiveStates, type LiveReport, saveLiveStates } from './live-lease.ts'

/** Milliseconds between two writes. */
const saveEveryMs = 500

/**
 * Logs and stores the state of each live job of an account, until `signal` is aborted. However often a state changes, only the latest
 * is written, twice a second.
 *
 * @param jobs all of its live jobs; the states of others are deleted
 */
export function createLiveReports(
  { store, clock, log }: Pick<RunDeps, 'store' | 'clock' | 'log'>,
  account: string,
  jobs: readonly string[],
  signal: AbortSignal,
): (job: string, report: LiveReport) => void {
  const waiting = new Map<string, LiveReport>()
  /** Texts of what was logged, and of what was saved. */
  const logged = new Map<string, string>()
  const saved = new Map<string, string>()
  let isWriting = true
  let hasDropped = false

  async function write(): Promise<void> {
    while ((waiting.size > 0 || !hasDropped) && !signal.aborted) {
      const changed = new Map([...waiting].filter(([job, report]) => textOf(report) !== saved.get(job)))
      waiting.clear()
      for (const [job, report] of changed) writeDown(job, report)
      try {
        if (!hasDropped) await dropLiveStates(store, account, jobs)
        hasDropped = true
        if (changed.size > 0) await saveLiveStates(store, account, changed)
        for (const [job, report] of changed) saved.set(job, textOf(report))
      } catch (error) {
        log.debug({ error, account }, 'the states of live jobs could not be saved, and are saved again')
        for (const [job, report] of changed) if (!waiting.has(job)) waiting.set(job, report)
      }
      await clock.sleep(saveEveryMs, signal).catch(() => {})
    }
    isWriting = false
  }

  function writeDown(job: string, report: LiveReport): void {
    const { state, problem } = report
    if (logged.get(job) === textOf(report)) return
    logged.set(job, textOf(report))
    if (problem) log.warn({ account, job, error: problem }, 'the job is not live, and runs on schedule')
    if (state === 'live') log.info({ account, job }, 'the job is live')
  }

  void write()
  return (job, report) => {
    waiting.set(job, report)
    if (isWriting) return
    isWriting = true
    void write()
  }
}

function textOf({ state, problem }: LiveReport): string {
  return `${state} ${problem?.found}`
}
