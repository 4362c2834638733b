import { jobsOf, tablesOf } from '../definitions/account-jobs.ts'
import type { JobContext, JobDefinition, JobResult } from '../definitions/define-job.ts'
import type { JobSettings } from '../definitions/job-settings.ts'
import { JobError, LeaseLostError, PermanentError, TransientError, WorkerError } from '../errors.ts'
import { explainIssues, remedyOfPayload } from '../failures/explain-issues.ts'
import { explainThrown } from '../failures/explain-thrown.ts'
import { parseSafely } from '../failures/parse-safely.ts'
import { isPassingFailure } from '../failures/passing-failure.ts'
import { privateCode } from '../log.ts'
import type { ObservedRun } from '../observer/observer.ts'
import { fencedStatement, fencedTransaction } from '../runs/lease.ts'
import { reportProgress, requestRun } from '../runs/requests.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import type { Admission } from './admit.ts'
import type { Execution } from './execution.ts'
import { createOpenCalls, type OpenCalls } from './open-calls.ts'
import { createPace } from './pace.ts'
import { readResult } from './read-result.ts'
import { createTransactionScope } from './transaction-scope.ts'
import { watchAborted } from './watch-aborted.ts'

/**
 * The job's half of a run: everything thrown here happened after the gate.
 *
 * @throws WorkerError; the signal's reason if the run was aborted
 */
export async function perform(
  deps: RunDeps,
  execution: Execution,
  { session, settings }: Admission,
  observed: ObservedRun,
): Promise<JobResult> {
  const { job, access, signal } = execution
  using calls = createOpenCalls(job.name)
  try {
    const context = createContext(deps, execution, settings, observed, calls)
    using _ = watchAborted(deps, signal)
    const returned = await job.run(session, context)
    // It may have left work undone. A process that wasn't heard for a while may still have its lease, without which nothing is
    // recorded; it may have been this job that blocked it, and would do so again.
    if (signal.aborted && !(signal.reason instanceof LeaseLostError)) throw signal.reason
    calls.requireNone()
    return readResult(returned, { job: job.name, account: observed.account, accountJobs: context.accountJobs })
  } catch (error) {
    if (error instanceof WorkerError) throw error
    signal.throwIfAborted()
    // Translated once: from here on it has a message and a decision.
    const { code, message, isPrivate } = explainThrown(error, [...settings.secrets, ...access.secrets.all()])
    // Transient errors are retried for a day, like those of the worker itself.
    const Kind = isPassingFailure(error) ? TransientError : JobError
    throw new Kind(isPrivate ? privateCode : code, message, { cause: error })
  }
}

/** Progress is written to the store less often than pages arrive, and not for a run that ends sooner. */
const reportEveryMs = 1_000

function createContext(
  deps: RunDeps,
  execution: Execution,
  settings: JobSettings,
  observed: ObservedRun,
  calls: OpenCalls,
): JobContext<unknown> {
  const { store, clock, log, observer } = deps
  const { lease, requestId, job, kept } = execution
  const commit = { kind: 'commit', run: observed, tables: tablesOf(job) } as const
  const pace = createPace(clock)
  const scope = createTransactionScope(job.name)
  const { account } = observed
  let reportedAt = clock.elapsed()
  return {
    payload: parsePayload(job, execution.payload),
    settings: settings.values,
    requestId,
    accountJobs: new Set(jobsOf(execution.access.account, deps.jobs.values()).map(known => known.name)),
    dryRun: execution.dryRun ?? false,
    signal: execution.signal,
    clock,
    log,
    schemaFolder: deps.schemaFolder,
    store: scope.guard(store),
    async transaction(work) {
      scope.requireOutside('transaction')
      const write = () => fencedTransaction(store, lease, tx => scope.enter(() => work(tx)))
      return calls.during('transaction', () => observer.during(commit, write))
    },
    async statement(build) {
      scope.requireOutside('statement')
      return calls.during('statement', () => observer.during(commit, () => fencedStatement(store, lease, build)))
    },
    progress(progress) {
      const paced = pace(progress)
      execution.onProgress?.(paced)
      if (clock.elapsed() - reportedAt < reportEveryMs) return
      reportedAt = clock.elapsed()
      reportProgress(store, lease.runId, paced).catch(error => log.debug({ error }, 'progress could not be stored'))
    },
    pageWritten(page) {
      if (!execution.dryRun) observer.pageWritten(observed, page)
    },
    sending(to, send) {
      return observer.during({ kind: 'message', run: observed, url: to.href }, async () => {
        const sentAt = clock.elapsed()
        const sent = await send()
        observer.messageSent(observed, { outcome: sent.kind, durationMs: clock.elapsed() - sentAt })
        return sent
      })
    },
    async request({ name }, ...[payload]) {
      scope.requireOutside('request')
      const other = deps.jobs.get(name)
      if (!other) throw new PermanentError('unknown-job', `${job.name} requests job "${name}", which doesn't exist`)
      const made = { trigger: 'job', caller: `job:${job.name}`, trace: kept } as const
      const wanted = { account, job: name, payload: payload ?? {}, ...made }
      const { id } = await calls.during('request', () => requestRun(deps, wanted))
      return { id }
    },
  }
}

/** Checked when the request was made, except in SQL or by a version with another schema. */
function parsePayload(job: JobDefinition, payload: unknown): unknown {
  const parsed = parseSafely(job.payload, payload)
  if (parsed.success) return payload
  throw new PermanentError('payload', {
    found: `The payload of ${job.name} is invalid (${explainIssues(parsed.error, 'payload')})`,
    remedy: remedyOfPayload(payload, parsed.error) ?? 'make the request again with a valid payload',
  })
}
