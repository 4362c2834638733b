import { sql } from 'kysely'
import { jobsOf } from '../definitions/account-jobs.ts'
import type { JobDefinition } from '../definitions/define-job.ts'
import { findJobProblems } from '../definitions/find-job-problems.ts'
import { propertiesOf } from '../definitions/payload-properties.ts'
import { ConflictError, TransientError, UsageError, WorkerError } from '../errors.ts'
import { explainIssues } from '../failures/explain-issues.ts'
import { forgetAccount } from '../forget/forget-account.ts'
import { resetJob } from '../forget/reset-job.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import { chooseNamed, getNamed } from '../names/find-named.ts'
import type { Tickets } from '../queue/tickets.ts'
import { acceptRequest, cancelRequest } from '../runs/requests.ts'
import type { RunDeps } from '../runs/run-deps.ts'
import { runNow } from '../runs/run-now.ts'
import { explainPostgresFailure, readOnly } from '../store/postgres-failure.ts'
import { brief } from '../store/prepared-statements.ts'
import type { Store } from '../store/store.ts'
import { settlesWithin } from '../time/clock.ts'
import { describeRule } from '../time/schedule-rule.ts'
import { noRequest } from './create-http.ts'
import { requireKey } from './idempotency.ts'
import { listMirrorRows } from './mirror-rows.ts'
import type { JobReport, Operations, RequestGroup, WantedRequest } from './operations.ts'
import { listAccounts, listHolds, listRuns } from './reports.ts'
import { findRequest, findRequestIds, listRequests } from './request-report.ts'
import { listSchedules, pauseSchedule } from './schedule-operations.ts'

/** The operations on this process's own store. */
export function createLocalOperations({
  deps,
  tickets,
}: {
  readonly deps: RunDeps
  /** The queue, where there is one. */
  readonly tickets: Pick<Tickets, 'ping' | 'drop'> | undefined
}): Operations {
  const { store, jobs, accounts } = deps
  return {
    async makeRequest(wanted) {
      const { job, access, payload } = resolve(deps, wanted)
      const { trigger, caller, priority, idempotencyKey } = wanted
      if (idempotencyKey !== undefined) requireKey(idempotencyKey)
      const request = {
        account: access.account.name,
        job: job.name,
        payload,
        trigger,
        caller,
        priority,
        idempotencyKey,
      }
      const { accepted, conflict, wake } = await acceptRequest(store, request)
      if (conflict) {
        throw new ConflictError({
          found: `Idempotency key "${idempotencyKey}" was used for ${job.name} with another payload`,
          remedy: 'give each request its own key',
        })
      }
      deps.wake(wake)
      return accepted
    },
    findRequest: id => findRequest(store, id),
    async listRequests(filter) {
      const requests = await listRequests(store, filter)
      if (requests.length === 0) requireNames(deps, filter)
      return requests
    },
    async findRequestIds(group) {
      const ids = await findRequestIds(store, group)
      if (ids.length === 0) requireNames(deps, group)
      return ids
    },
    async cancelRequest(id) {
      const state = await cancelRequest(store, id)
      if (state === undefined) throw noRequest(id)
      return state
    },
    async retryRequest(id) {
      const { rows } = await sql<{
        account: string
        job: string
        payload: unknown
        state: string
        foreground: boolean
      }>`
        select account, job, payload, state, reserved_for is not null as foreground
        from worker.requests where id = worker.successor(${id})`.execute(store)
      const [row] = rows
      if (!row) throw noRequest(id)
      if (row.foreground) {
        throw new UsageError({
          found: `Request ${id} was a run in the foreground, which no worker can repeat`,
          remedy: `give the command "run ${row.job}" again, or make a request with "enqueue ${row.job}"`,
        })
      }
      if (row.state === 'waiting' || row.state === 'running') {
        throw new UsageError({
          found: `Request ${id} is ${row.state}`,
          remedy: 'only one that has ended can be made again',
        })
      }
      const { account, job } = row
      const payload = jobs.get(job)?.payloadOfRetry?.(row.payload) ?? row.payload
      const { accepted, wake } = await acceptRequest(store, { account, job, payload, trigger: 'retry', caller: '' })
      deps.wake(wake)
      return accepted
    },
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
      if (runs.length === 0) requireNames(deps, filter)
      return runs
    },
    listHolds: () => listHolds(store),
    listSchedules: () => listSchedules(deps),
    pauseSchedule: wanted => pauseSchedule(deps, wanted),
    listMirrorRows: wanted => listMirrorRows(deps, wanted),
    async reset(name, account) {
      const { job, access } = resolve(deps, { job: name, account, payload: undefined })
      await resetJob(deps, access.account.name, job.name)
    },
    forget: (account, options) => forgetAccount({ ...deps, dropTickets: tickets?.drop }, account, options),
    async hasWorker() {
      const { rows } = await sql`
        select from worker.served_lines l join worker.processes p on p.id = l.process
        where p.expires_at > now() limit 1`.execute(store)
      return rows.length > 0
    },
    async ping() {
      const answered = pingStore(store)
      const inTime = settlesWithin(deps.clock, pingWithinMs, answered).then(isAnswered => {
        if (!isAnswered) throw silentStore()
        return answered
      })
      await Promise.all([tickets?.ping(), inTime])
    },
  }
}

/** Milliseconds in which the store has to say whether it can be used: who asks gives up after 2 to 5 seconds. */
const pingWithinMs = 1_500

function silentStore(): TransientError {
  return new TransientError('store', {
    found: `Postgres did not answer within ${pingWithinMs / 1_000} s`,
    remedy: 'check that it runs and can be reached, and whether it is overloaded',
  })
}

async function describeJob(deps: RunDeps, job: JobDefinition): Promise<JobReport> {
  const problems = await findJobProblems(deps, job)
  return {
    name: job.name,
    requirement: job.requirement ?? null,
    schedule: job.schedule ? describeRule(job.schedule) : null,
    into: [job.into ?? []].flat().join(', ') || null,
    takes: propertiesOf(job.payload),
    problem: problems.map(({ message }) => message).join('; ') || null,
  }
}

/**
 * A filter that finds nothing may have been mistyped. A job that is no longer defined may still have requests; and where none
 * could be loaded, nothing is known of any.
 */
function requireNames({ jobs, accounts }: RunDeps, { job, account }: Pick<RequestGroup, 'job' | 'account'>): void {
  if (job !== undefined && jobs.size > 0) getNamed('job', jobs, job)
  if (account !== undefined) getNamed('account', accounts, account)
}

async function pingStore(store: Store): Promise<void> {
  try {
    const { rows } = await sql<{ isReadOnly: boolean }>`${brief}
      select current_setting('transaction_read_only') = 'on' as "isReadOnly" from worker.processes limit 1`.execute(
      store,
    )
    if (rows[0]?.isReadOnly) throw new TransientError('store', readOnly('Postgres'))
  } catch (error) {
    if (error instanceof WorkerError) throw error
    throw new TransientError('store', explainPostgresFailure(error, 'Postgres'), { cause: error })
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
