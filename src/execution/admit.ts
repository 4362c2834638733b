import { jobsOf } from '../definitions/account-jobs.ts'
import { findContractRefusal } from '../definitions/contract.ts'
import { type JobSettings, readJobSettings } from '../definitions/job-settings.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import type { Transact } from '../gate/account-record.ts'
import { findUnusedGrants, needsOf } from '../gate/find-unused-grants.ts'
import type { Granted } from '../gate/requirement.ts'
import { openSession, type Session } from '../gate/session.ts'
import { liftGateHolds } from '../holds/holds.ts'
import type { ObservedRun } from '../observer/observer.ts'
import { fencedTransaction } from '../runs/lease.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import type { Execution } from './execution.ts'

/** What a job starts with. */
export interface Admission {
  readonly session: Session
  readonly settings: JobSettings
}

/**
 * The gate's half of a run: everything thrown here happened before the job started.
 *
 * @throws RefusalError and OutageError, which place a hold; the signal's reason if the run was aborted
 */
export async function admit(
  deps: RunDeps,
  execution: Pick<Execution, 'job' | 'access' | 'signal' | 'lease' | 'known' | 'probed'>,
  observed: ObservedRun,
): Promise<Admission> {
  const { job, access, signal, lease, known, probed } = execution
  signal.throwIfAborted()
  const refusal = await findContractRefusal(job, deps.schemaFolder)
  if (refusal) throw refusal
  const settings = await readJobSettings(job, access.account, deps.settings)
  // A process that was paused must not record an account again if it was forgotten meanwhile.
  const transact: Transact = work => fencedTransaction(deps.store, lease, work)
  const onGranted = (granted: Granted) => compareGrants(deps, access, granted)
  const session = await openSession(deps, access, job.requirement, signal, { known, transact, onGranted })
  if (probed) {
    const lifted = await liftGateHolds(deps.store, access.account.name, job.name)
    for (const hold of lifted) deps.observer.holdLifted(observed, hold)
  }
  return { session, settings }
}

/** Once for each token, whose grants don't change. */
const compared = new WeakSet<Granted>()

function compareGrants(
  { jobs, firstLogin, observer }: Pick<RunDeps, 'jobs' | 'firstLogin' | 'observer'>,
  { account }: AccountAccess,
  granted: Granted,
): void {
  if (compared.has(granted)) return
  compared.add(granted)
  const requirements = jobsOf(account, jobs.values()).map(({ requirement }) => requirement)
  const { roles, scopes } = findUnusedGrants(needsOf(account, requirements, firstLogin, granted), granted)
  observer.grantsCompared(account.name, { role: roles.length, scope: scopes.length })
}
