import type { RunDeps } from './run-deps.ts'

const job = 'bootstrap-account'

/** Requests the bootstrap of each account that never had one, as far as that isn't under way already. */
export async function requestBootstraps(deps: RunDeps): Promise<void> {
  if (!deps.jobs.has(job)) return
  for (const account of deps.accounts.keys()) {
    if ((await isBootstrapped(deps, account)) || (await isUnderWay(deps, account))) continue
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

/** A run that waits for its steps counts only while its request is still in the queue, which may have been flushed. */
async function isUnderWay({ store, queue }: RunDeps, account: string): Promise<boolean> {
  const run = await store
    .selectFrom('worker.runs')
    .select('request_id')
    .where('account', '=', account)
    .where('job', '=', job)
    .where('state', '=', 'waiting')
    .orderBy('id', 'desc')
    .executeTakeFirst()
  const request = run && (await queue.find(run.request_id))
  return request !== undefined && request.state !== 'done' && request.state !== 'failed'
}
