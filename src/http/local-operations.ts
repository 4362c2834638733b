import { sql } from 'kysely'
import { NotFoundError, renderExplanation, TransientError, UsageError, WorkerError } from '../errors.ts'
import { explainIssues } from '../explain-issues.ts'
import { chooseNamed, explainUnknown, getNamed } from '../find-named.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import { findHold } from '../gate/holds.ts'
import { jobsOf } from '../jobs/account-jobs.ts'
import type { JobDefinition } from '../jobs/define-job.ts'
import { privateCode } from '../log.ts'
import { idempotentRequestId } from '../queue/request.ts'
import { findJobProblems } from '../runs/find-job-problems.ts'
import { forgetAccount, resetJob } from '../runs/forget.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { runNow } from '../runs/run-now.ts'
import { describeRule } from '../schedule-rule.ts'
import { explainPostgresFailure, readOnly } from '../store/postgres-failure.ts'
import type { Store } from '../store/store.ts'
import { makeOnce } from './idempotency.ts'
import { listMirrorRows } from './mirror-rows.ts'
import type { JobReport, Operations, RequestReport, WantedRequest } from './operations.ts'
import { listAccounts, listHolds, listRuns, listRunsOfRequest } from './reports.ts'

/** The operations on this process's own store and queue. */
export function createLocalOperations(deps: RunDeps): Operations {
  const { store, queue, jobs, accounts } = deps
  return {
    async makeRequest(wanted) {
      const { job, access, payload } = resolve(deps, wanted)
      const account = access.account.name
      const { trigger, priority, idempotencyKey: key } = wanted
      const add = (id?: string) =>
        queue.add({ account, job: job.name, payload, trigger, ...(priority && { priority }), ...(id && { id }) })
      if (key === undefined) return add()
      return makeOnce(store, { account, job: job.name, key, payload }, () =>
        add(idempotentRequestId(account, job.name, key)),
      )
    },
    findRequest: id => findRequest(deps, id),
    async run(wanted, listener, signal) {
      return runNow(deps, { ...wanted, ...resolve(deps, wanted), signal, ...listener })
    },
    listJobs: () => Promise.all([...jobs.values()].map(job => describeJob(deps, job))),
    listAccounts: () =>
      listAccounts(
        store,
        [...accounts.values()].map(access => access.account),
      ),
    async listRuns(filter) {
      const runs = await listRuns(store, filter)
      // A job that is no longer defined may have runs; and where none could be loaded, nothing is known of any.
      if (runs.length === 0 && filter.job !== undefined && jobs.size > 0) getNamed('job', jobs, filter.job)
      return runs
    },
    listHolds: () => listHolds(store),
    listMirrorRows: wanted => listMirrorRows(deps, wanted),
    async reset(name, account) {
      const { job, access } = resolve(deps, { job: name, account, payload: undefined })
      await resetJob(deps, access.account.name, job.name)
    },
    async forget(account) {
      // One that is no longer configured can be forgotten as well.
      const known = accounts.has(account) || (await isRemembered(store, account))
      if (!known) throw new NotFoundError(explainUnknown('account', account, accounts.keys()))
      await forgetAccount(deps, account)
    },
    async hasWorker() {
      const row = await store
        .selectFrom('worker.processes')
        .select('id')
        .where('is_worker', '=', true)
        .where('expires_at', '>', sql<Date>`now()`)
        .limit(1)
        .executeTakeFirst()
      return row !== undefined
    },
    async ping() {
      await Promise.all([queue.ping(), pingStore(store)])
    },
  }
}

async function describeJob(deps: RunDeps, job: JobDefinition): Promise<JobReport> {
  const problems = await findJobProblems(deps, job)
  return {
    name: job.name,
    requirement: job.requirement ?? null,
    schedule: job.schedule ? describeRule(job.schedule) : null,
    into: [job.into ?? []].flat().join(', ') || null,
    problem: problems.map(({ message }) => message).join('; ') || null,
  }
}

async function pingStore(store: Store): Promise<void> {
  try {
    const { rows } = await sql<{ isReadOnly: boolean }>`
      select current_setting('transaction_read_only') = 'on' as "isReadOnly" from worker.processes limit 1`.execute(
      store,
    )
    if (rows[0]?.isReadOnly) throw new TransientError('store', readOnly('Postgres'))
  } catch (error) {
    if (error instanceof WorkerError) throw error
    throw new TransientError('store', explainPostgresFailure(error, 'Postgres'), { cause: error })
  }
}

async function isRemembered(store: Store, account: string): Promise<boolean> {
  const row = await store.selectFrom('worker.accounts').select('name').where('name', '=', account).executeTakeFirst()
  return row !== undefined
}

async function findRequest({ store, queue }: RunDeps, id: string): Promise<RequestReport | undefined> {
  const request = await queue.find(id)
  if (!request) return undefined
  const runs = await listRunsOfRequest(store, id)
  const [last] = runs
  const failedReason = last?.error?.code === privateCode ? last.error.message : request.failedReason
  const hold = request.state === 'delayed' ? await findHold(store, request.account, request.job) : undefined
  return {
    id: request.id,
    job: request.job,
    account: request.account,
    state: request.state,
    trigger: request.trigger,
    requestedAt: request.requestedAt.toISOString(),
    ...(hold && { hold: { code: hold.code, reason: renderExplanation(hold) } }),
    ...(request.failedReason !== undefined && { failedReason }),
    ...(request.progress !== undefined && { progress: request.progress }),
    runs,
  }
}

/** Finds what the words name and parses the payload, before anything reaches the queue. */
function resolve(
  { jobs, accounts }: RunDeps,
  wanted: Pick<WantedRequest, 'job' | 'account' | 'payload'>,
): { job: JobDefinition; access: AccountAccess; payload: unknown } {
  const job = getNamed('job', jobs, wanted.job)
  const access = chooseNamed('account', accounts, wanted.account)
  const own = jobsOf(access.account, jobs.values()).map(({ name }) => name)
  if (!own.includes(job.name)) {
    throw new UsageError({
      found: `${job.name} does not run for account "${access.account.name}"`,
      remedy: `its jobs are ${own.join(', ')}`,
    })
  }
  const payload = job.payload.safeParse(wanted.payload ?? {})
  if (!payload.success) {
    const found = `The payload of ${job.name} is not what it needs (${explainIssues(payload.error, 'payload')})`
    throw new UsageError(found)
  }
  // The payload goes into the queue as it came: the run parses it again, perhaps with a later version's schema.
  return { job, access, payload: wanted.payload ?? {} }
}
