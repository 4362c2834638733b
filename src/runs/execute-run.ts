import { JobError, LeaseLostError, OutageError, RefusalError, WorkerError } from '../errors.ts'
import { explainThrown } from '../explain-thrown.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import { liftHolds } from '../gate/holds.ts'
import { openSession, type Session } from '../gate/session.ts'
import { jobsOf } from '../jobs/account-jobs.ts'
import type { JobContext, JobDefinition, JobResult, RunOptions } from '../jobs/define-job.ts'
import { privateCode } from '../log.ts'
import type { RequestState } from '../queue/request-queue.ts'
import { findContractRefusal } from './contract.ts'
import { type JobSettings, readJobSettings } from './job-settings.ts'
import { fencedStatement, fencedTransaction, type Lease } from './lease.ts'
import { createPace, type PacedProgress } from './pace.ts'
import type { RunDeps } from './run-deps.ts'
import { breakOffRun, finishRun, type RunStart, startRun, suspendRun } from './run-record.ts'
import { wakeAll } from './wake.ts'

export interface Execution extends RunStart, Partial<RunOptions> {
  readonly job: JobDefinition
  readonly access: AccountAccess
  readonly signal: AbortSignal
  /** Called when the gate has let the run pass, before it reads anything. */
  onStart(): Promise<void>
  onProgress(progress: PacedProgress): void
}

/** Brings one run through the gate and through its job, under a lease, and records how it ended. Throws what ended it. */
export async function executeRun(deps: RunDeps, lease: Lease, execution: Execution): Promise<JobResult> {
  const { store } = deps
  const { job, access, signal } = execution
  const account = access.account.name
  const { id: runId, reopened } = await startRun(store, lease, execution)
  const log = deps.log.child({ job: job.name, account, run: runId })
  try {
    const refusal = await findContractRefusal(job, deps.schemaFolder)
    if (refusal) throw refusal
    const settings = await readJobSettings(job, access.account, deps.settings)
    const session = await openSession(deps, access, job.requirement, signal)
    if (await liftHolds(store, account, job.name, 'gate')) {
      log.info('the gate lets the account pass again')
      await wakeAll(deps, account)
    }
    await execution.onStart()
    if (!reopened) log.info({ request: execution.requestId, trigger: execution.trigger }, 'run started')
    const result = await runJob(job, session, createContext(deps, lease, execution, settings, log), async () => [
      ...settings.secrets,
      ...(await access.findSecrets()),
    ])
    // One that only looked shows nothing about what comes behind.
    if (!('waitMs' in result) && !execution.dryRun && (await liftHolds(store, account, job.name, 'run')))
      await wakeAll(deps, account)
    if ('waitMs' in result) {
      await suspendRun(store, lease, runId)
    } else {
      await finishRun(store, lease, runId, result)
      // Positions stay in the record: a cursor may be a text of the row's.
      log.info({ counts: result.counts }, 'run succeeded')
    }
    return result
  } catch (error) {
    const state = endingOf(error, signal)
    await breakOffRun(store, lease, runId, state, error).catch(cause =>
      log.warn({ error: cause }, 'the run could not be recorded'),
    )
    log[state === 'failed' ? 'error' : 'warn']({ error }, `run ${state}`)
    throw error
  }
}

/** What a job throws is translated here, once: from here on it has a sentence and a decision. */
async function runJob(
  job: JobDefinition,
  session: Session,
  context: JobContext<unknown>,
  findSecrets: () => Promise<readonly string[]>,
): Promise<JobResult> {
  try {
    return await job.run(session, context)
  } catch (error) {
    if (error instanceof WorkerError || context.signal.aborted) throw error
    const { code, message, isPrivate } = explainThrown(error, await findSecrets())
    throw new JobError(isPrivate ? privateCode : code, message, { cause: error })
  }
}

function endingOf(error: unknown, signal: AbortSignal): 'failed' | 'refused' | 'interrupted' {
  if (error instanceof RefusalError) return 'refused'
  if (signal.aborted || error instanceof LeaseLostError) return 'interrupted'
  return error instanceof OutageError ? 'interrupted' : 'failed'
}

function createContext(
  deps: RunDeps,
  lease: Lease,
  execution: Execution,
  settings: JobSettings,
  log: RunDeps['log'],
): JobContext<unknown> {
  const { store, queue, clock } = deps
  const pace = createPace(clock)
  const account = execution.access.account.name
  return {
    payload: execution.payload,
    settings: settings.values,
    requestId: execution.requestId,
    accountJobs: new Set(jobsOf(execution.access.account, deps.jobs.values()).map(job => job.name)),
    full: execution.full ?? false,
    dryRun: execution.dryRun ?? false,
    allowDeletions: execution.allowDeletions ?? false,
    signal: execution.signal,
    clock,
    log,
    schemaFolder: deps.schemaFolder,
    store,
    transaction: work => fencedTransaction(store, lease, work),
    statement: build => fencedStatement(store, lease, build),
    progress: progress => execution.onProgress(pace(progress)),
    request: (job, id) => queue.add({ account, job, payload: {}, trigger: 'bootstrap', id }),
    async findRequest(id) {
      const request = await queue.find(id)
      if (!request) return undefined
      return {
        state: openStates[request.state],
        ...(request.failedReason !== undefined && { reason: request.failedReason }),
      }
    },
  }
}

const openStates: Readonly<Record<RequestState, 'open' | 'done' | 'failed'>> = {
  waiting: 'open',
  delayed: 'open',
  running: 'open',
  done: 'done',
  failed: 'failed',
}
