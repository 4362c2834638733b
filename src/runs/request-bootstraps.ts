import { jobsOf } from '../jobs/account-jobs.ts'
import { bootstrapJob } from '../jobs/bootstrap-account.ts'
import type { RunDeps } from './run-deps.ts'

const job = bootstrapJob

/**
 * Requests the bootstrap of each account that never had one, unless that is under way, or has failed for good: then somebody
 * has to mend the cause and ask for it again.
 */
export async function requestBootstraps(deps: RunDeps): Promise<void> {
  for (const access of deps.accounts.values()) {
    const account = access.account.name
    if (!jobsOf(access.account, deps.jobs.values()).some(({ name }) => name === job)) continue
    if ((await isBootstrapped(deps, account)) || (await isUnderWayOrFailed(deps, account))) continue
    const { id } = await deps.queue.add({ account, job, payload: {}, trigger: 'bootstrap' })
    deps.log.info({ account, request: id }, 'new account: its bootstrap is requested')
  }
}

async function isBootstrapped({ store }: RunDeps, account: string): Promise<boolean> {
  const row = await store
    .selectFrom('worker.accounts')
    .select('name')
    .where('name', '=', account)
    .where('bootstrapped_at', 'is not', null)
    .executeTakeFirst()
  return row !== undefined
}

/** A run that hasn't ended counts only while its request is still in the queue, which may have been flushed. */
async function isUnderWayOrFailed({ store, queue }: RunDeps, account: string): Promise<boolean> {
  const run = await store
    .selectFrom('worker.runs')
    .select(['request_id', 'state'])
    .where('account', '=', account)
    .where('job', '=', job)
    .orderBy('id', 'desc')
    .executeTakeFirst()
  if (run?.state === 'failed') return true
  const request = run && (await queue.find(run.request_id))
  return request !== undefined && request.state !== 'done' && request.state !== 'failed'
}
