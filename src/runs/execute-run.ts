import { jobsOf } from '../definitions/account-jobs.ts'
import { findContractRefusal } from '../definitions/contract.ts'
import type { JobContext, JobDefinition, JobResult } from '../definitions/define-job.ts'
import { type JobSettings, readJobSettings } from '../definitions/job-settings.ts'
import { JobError, LeaseLostError, PermanentError, TransientError, WorkerError } from '../errors.ts'
import { explainIssues } from '../failures/explain-issues.ts'
import { explainThrown } from '../failures/explain-thrown.ts'
import { isPassingFailure } from '../failures/passing-failure.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import { liftHolds } from '../gate/holds.ts'
import { openSession, type Session } from '../gate/session.ts'
import { privateCode } from '../log.ts'
import type { ClaimedRun } from './claim-run.ts'
import { type Ending, endAfter, endWith } from './ending.ts'
import { fencedStatement, fencedTransaction } from './lease.ts'
import { createPace, type PacedProgress } from './pace.ts'
import { requestFollowers } from './request-followers.ts'
import { acceptRequest, reportProgress } from './requests.ts'
import type { RunDeps } from './run-deps.ts'

export interface Execution extends ClaimedRun {
  readonly job: JobDefinition
  readonly access: AccountAccess
  /** Default false. */
  readonly dryRun?: boolean
  readonly signal: AbortSignal
  /** Told at each report; what is told to everybody is stored now and then. */
  readonly onProgress?: (progress: PacedProgress) => void
}

export interface Executed {
  readonly ending: Ending
  /** What the job returned, or what ended it. */
  readonly outcome: { readonly result: JobResult } | { readonly thrown: unknown }
}

/** Brings one claimed run through the gate and through its job. It doesn't throw: what ended the run is in the answer. */
export async function executeRun(deps: RunDeps, execution: Execution): Promise<Executed> {
  const { store } = deps
  const { job, access, lease, signal, failures, probed } = execution
  const account = access.account.name
  const log = deps.log.child({ job: job.name, account, run: lease.runId })
  let metBy: 'gate' | 'run' = 'gate'
  const facts = () => ({ failures, probed, metBy, dryRun: execution.dryRun ?? false })
  const follow = async (result: JobResult | undefined) =>
    execution.dryRun ? undefined : requestFollowers(deps, access, job, result)
  try {
    signal.throwIfAborted()
    const refusal = await findContractRefusal(job, deps.schemaFolder)
    if (refusal) throw refusal
    const settings = await readJobSettings(job, access.account, deps.settings)
    const session = await openSession(deps, access, job.requirement, signal, execution.known)
    if (probed && (await liftHolds(store, account, job.name))) log.info('the gate lets the account pass again')
    metBy = 'run'
    log.info({ request: execution.requestId, trigger: execution.trigger }, 'run started')
    const result = await runJob(job, session, createContext(deps, execution, settings, log), () => [
      ...settings.secrets,
      ...access.secrets.all(),
    ])
    // Positions stay in the record: a cursor may be a text of the row's.
    log.info({ counts: countsOf(result) }, 'run succeeded')
    await follow(result)
    return { ending: endWith(result, { ...facts(), stopped: undefined }), outcome: { result } }
  } catch (thrown) {
    const ending = endAfter(thrown, { ...facts(), stopped: signal.aborted ? signal.reason : undefined })
    if (thrown instanceof LeaseLostError) log.debug({ guard: 'fenced-write' }, 'a write was refused')
    log[ending.run === 'failed' ? 'error' : 'warn']({ error: thrown }, `run ${ending.run}`)
    if (metBy === 'run') await follow(undefined)
    return { ending, outcome: { thrown } }
  }
}

/** What a job throws is translated here, once: from here on it has a sentence and a decision. */
async function runJob(
  job: JobDefinition,
  session: Session,
  context: JobContext<unknown>,
  findSecrets: () => readonly string[],
): Promise<JobResult> {
  try {
    return await job.run(session, context)
  } catch (error) {
    if (error instanceof WorkerError || context.signal.aborted) throw error
    const { code, message, isPrivate } = explainThrown(error, findSecrets())
    // What passes may be tried for a day, as where it is ours.
    const Kind = isPassingFailure(error) ? TransientError : JobError
    throw new Kind(isPrivate ? privateCode : code, message, { cause: error })
  }
}

function countsOf(result: JobResult): object | undefined {
  return 'counts' in result ? result.counts : undefined
}

/** Progress is a write to the store, and pages come faster than anybody looks. */
const reportEveryMs = 1_000

function createContext(
  deps: RunDeps,
  execution: Execution,
  settings: JobSettings,
  log: RunDeps['log'],
): JobContext<unknown> {
  const { store, clock } = deps
  const { lease, requestId, job } = execution
  const pace = createPace(clock)
  const account = execution.access.account.name
  let reportedAt = Number.NEGATIVE_INFINITY
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
    store,
    transaction: work => fencedTransaction(store, lease, work),
    statement: build => fencedStatement(store, lease, build),
    progress(progress) {
      const paced = pace(progress)
      execution.onProgress?.(paced)
      if (clock.now() - reportedAt < reportEveryMs) return
      reportedAt = clock.now()
      reportProgress(store, lease.runId, paced).catch(error => log.debug({ error }, 'progress could not be stored'))
    },
    async request({ name }, ...[payload]) {
      const other = deps.jobs.get(name)
      if (!other) throw new PermanentError('unknown-job', `${job.name} asks for job "${name}", which there is none of`)
      const request = { account, job: name, payload: payload ?? {}, trigger: 'job' as const, caller: `job:${job.name}` }
      const { accepted, wake } = await acceptRequest(store, request)
      deps.wake(wake)
      return { id: accepted.id }
    },
  }
}

/** It was parsed when it was asked for, unless by SQL, or by a version whose schema was another one. */
function parsePayload(job: JobDefinition, payload: unknown): unknown {
  const parsed = job.payload.safeParse(payload)
  if (parsed.success) return payload
  throw new PermanentError('payload', {
    found: `The payload of ${job.name} is not what it needs (${explainIssues(parsed.error, 'payload')})`,
    remedy: 'make the request again with another one',
  })
}
