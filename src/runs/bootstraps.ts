import { sql } from 'kysely'
import { jobsOf } from '../definitions/account-jobs.ts'
import { bootstrapJob } from '../definitions/bootstrap-account.ts'
import { requestRun } from './requests.ts'
import type { RunDeps } from './run-deps.ts'

/**
 * Requests the bootstrap of each account that never completed one, unless it is in progress, has failed or was cancelled: then
 * someone must fix the cause and request it again.
 */
export async function requestBootstraps(deps: RunDeps): Promise<void> {
  const { store, log } = deps
  const beginning = [...deps.accounts.values()]
    .filter(({ account }) => jobsOf(account, deps.jobs.values()).some(({ name }) => name === bootstrapJob))
    .map(({ account }) => account.name)
  const { rows } = await sql<{ account: string }>`
    select given.account from unnest(${beginning}::text[]) given(account)
    where not exists (select from worker.accounts a where a.name = given.account and a.bootstrapped_at is not null)
      and not exists (select from worker.requests r
        where r.account = given.account and r.job = ${bootstrapJob} and r.state in ('waiting', 'running', 'failed', 'cancelled'))`.execute(
    store,
  )
  for (const { account } of rows) {
    const request = { account, job: bootstrapJob, payload: {}, trigger: 'bootstrap' as const, caller: '' }
    const { id } = await requestRun(deps, request)
    log.info({ job: bootstrapJob, account, request: id }, 'new account: its bootstrap was requested')
  }
}
