import type { RunDeps } from './run-deps.ts'
import { findNextWaiter, findWaitedJobs, removeWaiter } from './waiters.ts'

type WakeDeps = Pick<RunDeps, 'store' | 'queue' | 'log'>

/** The lease is free: the request that waited longest for it needn't sleep on. */
export async function wakeNext(deps: WakeDeps, account: string, job: string): Promise<void> {
  await asCourtesy(deps, () => wakeFirst(deps, account, job))
}

/** A hold of the account was lifted: the first request of each job goes on, and wakes the next one in its turn. */
export async function wakeAll(deps: WakeDeps, account: string): Promise<void> {
  await asCourtesy(deps, async () => {
    for (const job of await findWaitedJobs(deps.store, account)) await wakeFirst(deps, account, job)
  })
}

async function wakeFirst({ store, queue }: WakeDeps, account: string, job: string): Promise<void> {
  for (;;) {
    const id = await findNextWaiter(store, account, job)
    if (id === undefined || (await queue.promote(id))) return
    await removeWaiter(store, id)
  }
}

/** Whoever isn't woken wakes by itself a little later, so a failure here fails nothing. */
async function asCourtesy({ log }: WakeDeps, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.warn({ error }, 'waiting requests could not be woken early')
  }
}
