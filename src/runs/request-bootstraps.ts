import type { RunDeps } from './run-deps.ts'

const job = 'bootstrap-account'

/** Requests the bootstrap of each account that never had one, as far as that isn't under way already. */
export async function requestBootstraps({ store, queue, jobs, accounts, log }: RunDeps): Promise<void> {
  if (!jobs.has(job)) return
  for (const account of accounts.keys()) {
    const done = await store
      .selectFrom('worker.accounts')
      .select('name')
      .where('name', '=', account)
      .where('bootstrapped_at', 'is not', null)
      .executeTakeFirst()
    const underWay = await store
      .selectFrom('worker.runs')
      .select('id')
      .where('account', '=', account)
      .where('job', '=', job)
      .where('state', '=', 'waiting')
      .executeTakeFirst()
    if (done || underWay) continue
    const { id } = await queue.add({ account, job, payload: {}, trigger: 'bootstrap' })
    log.info({ account, request: id }, 'new account: its bootstrap is requested')
  }
}
