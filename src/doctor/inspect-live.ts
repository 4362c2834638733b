import type { JobDefinition } from '../definitions/define-job.ts'
import type { DoorbellSubscription } from '../definitions/doorbell.ts'
import { ConfigError, TransientError, WorkerError } from '../errors.ts'
import type { AccountAccess } from '../gate/account-access.ts'
import type { Connection } from '../hasura/subscription-client.ts'
import { type LiveJob, listLiveJobs } from '../live/live-lines.ts'
import { listNames } from '../names/list-names.ts'
import type { Clock } from '../time/clock.ts'
import { combine, type Finding, ok, skip, warn } from './check.ts'

const answersWithinMs = 10_000

/** Checks whether the account's live jobs can subscribe. Otherwise they run on schedule, so this never fails. */
export async function inspectLive(
  access: AccountAccess,
  deps: { readonly jobs: readonly JobDefinition[]; readonly schemaFolder: URL; readonly clock: Clock },
  signal: AbortSignal,
): Promise<Finding> {
  const roles = [...listLiveJobs(access, deps.jobs)]
  if (roles.length === 0) return skip('no job is live')
  const problems = await Promise.all(roles.map(([role, jobs]) => findProblems(access, role, jobs, deps, signal)))
  const names = roles.flatMap(([, jobs]) => jobs.map(({ job }) => job))
  return combine(problems.flat(), ok(`Hasura answers the subscriptions of ${listNames(names)}`))
}

async function findProblems(
  access: AccountAccess,
  role: string,
  jobs: readonly LiveJob[],
  { schemaFolder, clock }: Pick<Parameters<typeof inspectLive>[1], 'schemaFolder' | 'clock'>,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const { account } = access
  try {
    const connection = await access.subscriptions(account.hasura?.url ?? '', role).connect(signal)
    try {
      const findings = jobs.map(async ({ job, doorbell }) => {
        const { subscriptions } = await doorbell.listen(schemaFolder, account)
        const failures = await Promise.all(
          subscriptions.map(subscription => askOnce(connection, subscription, clock, signal)),
        )
        return failures.flatMap(failure => (failure ? notLive([job], failure) : []))
      })
      return (await Promise.all(findings)).flat()
    } finally {
      connection.close()
    }
  } catch (error) {
    if (error instanceof WorkerError)
      return [
        notLive(
          jobs.map(({ job }) => job),
          error,
        ),
      ]
    throw error
  }
}

/** @returns undefined when it was answered */
async function askOnce(
  connection: Connection,
  { document, variables }: DoorbellSubscription,
  clock: Clock,
  signal: AbortSignal,
): Promise<WorkerError | undefined> {
  const answer = Promise.withResolvers<WorkerError | undefined>()
  const stop = connection.subscribe(document, variables, {
    next: () => answer.resolve(undefined),
    fail: error => answer.resolve(error),
  })
  const over = new AbortController()
  const late = clock.sleep(answersWithinMs, AbortSignal.any([signal, over.signal])).then(
    () => tooLate,
    () => undefined,
  )
  try {
    return await Promise.race([answer.promise, connection.closed, late])
  } finally {
    over.abort()
    stop()
  }
}

const tooLate = new TransientError('timeout', {
  found: `Hasura did not respond to a subscription within ${answersWithinMs / 1_000} s`,
  remedy: "see Hasura's log",
})

function notLive(jobs: readonly string[], error: WorkerError): Finding {
  const { found, remedy } = error instanceof ConfigError ? (error.problems[0] ?? error) : error
  return warn(`${listNames(jobs)} is not live and runs on schedule: ${found}`, remedy ?? "see Hasura's log")
}
