import type { Store } from '../store/store.ts'

/**
 * Requests that were put aside because of a hold or a busy lease, in the order in which they came. They lie delayed in the
 * queue and would wake by themselves; this list only tells whom to wake sooner.
 */
export async function addWaiter(store: Store, request: { id: string; account: string; job: string }): Promise<void> {
  await store
    .insertInto('worker.waiters')
    .values({ request_id: request.id, account: request.account, job: request.job })
    .onConflict(conflict => conflict.column('request_id').doNothing())
    .execute()
}

export async function removeWaiter(store: Store, requestId: string): Promise<void> {
  await store.deleteFrom('worker.waiters').where('request_id', '=', requestId).execute()
}

/** The one that waited longest for this lease. */
export async function findNextWaiter(store: Store, account: string, job: string): Promise<string | undefined> {
  const row = await store
    .selectFrom('worker.waiters')
    .select('request_id')
    .where('account', '=', account)
    .where('job', '=', job)
    .orderBy('seq')
    .limit(1)
    .executeTakeFirst()
  return row?.request_id
}

/** The jobs of the account for which somebody waits. */
export async function findWaitedJobs(store: Store, account: string): Promise<string[]> {
  const rows = await store
    .selectFrom('worker.waiters')
    .select('job')
    .distinct()
    .where('account', '=', account)
    .execute()
  return rows.map(row => row.job)
}
