import { sql } from 'kysely'
import { LeaseLostError } from '../errors.ts'
import type { FencedTransaction, Store } from '../store/store.ts'

/** The right to be the one active run of (account, job). */
export interface Lease {
  readonly account: string
  readonly job: string
  readonly processId: string
  /** Grows with each taking: a transaction of an earlier holder finds another number and writes nothing. */
  readonly fence: string
}

/** The leases of one process. */
export interface Leases {
  /**
   * Takes the lease when nobody holds it, or when its holder's process is dead: that one's runs are then recorded as
   * interrupted.
   *
   * @returns undefined while a living process holds it, and while this one is taken for dead itself
   */
  take(account: string, job: string): Promise<Lease | undefined>
  release(lease: Lease): Promise<void>
  /**
   * Frees what stands in this process's name and isn't held: the store was away when it was to be released, or when the
   * answer to its taking should have come. Else a living process would seem to hold it for ever.
   */
  releaseOrphans(): Promise<void>
}

export function createLeases(store: Store, processId: string): Leases {
  const held = new Set<string>()
  return {
    async take(account, job) {
      const name = `${account}/${job}`
      // A thousand requests that wait for a run of this very process needn't ask the store.
      if (held.has(name)) return undefined
      held.add(name)
      try {
        const lease = await takeLease(store, { account, job, processId })
        if (!lease) held.delete(name)
        return lease
      } catch (error) {
        held.delete(name)
        throw error
      }
    },
    async release(lease) {
      try {
        await releaseLease(store, lease)
      } finally {
        held.delete(`${lease.account}/${lease.job}`)
      }
    },
    async releaseOrphans() {
      const ours = await store
        .selectFrom('worker.leases')
        .select(['account', 'job', 'fence'])
        .where('process', '=', processId)
        .execute()
      for (const { account, job, fence } of ours) {
        // One that is taken from now on gets another fence, so it isn't freed here.
        if (!held.has(`${account}/${job}`)) await releaseLease(store, { account, job, fence })
      }
    },
  }
}

async function takeLease(
  store: Store,
  { account, job, processId }: { readonly account: string; readonly job: string; readonly processId: string },
): Promise<Lease | undefined> {
  return store.transaction().execute(async tx => {
    const { rows } = await sql<{ fence: string }>`
      insert into worker.leases as l (account, job, fence, process)
      select ${account}, ${job}, 1, ${processId}::uuid
      where exists (select from worker.processes p where p.id = ${processId}::uuid and p.expires_at > now())
      on conflict (account, job) do update
        set fence = l.fence + 1, process = excluded.process, taken_at = now()
        where l.process is null or not exists (
          select from worker.processes p where p.id = l.process and p.expires_at > now())
      returning l.fence::text as fence`.execute(tx)
    const fence = rows[0]?.fence
    if (fence === undefined) return undefined
    await tx
      .updateTable('worker.runs')
      .set({
        state: 'interrupted',
        finished_at: sql<Date>`now()`,
        error_code: 'interrupted',
        error_message: 'The process that ran it ended without a word; another run went on from its checkpoint.',
      })
      .where('account', '=', account)
      .where('job', '=', job)
      .where('state', '=', 'running')
      .execute()
    return { account, job, processId, fence }
  })
}

async function releaseLease(store: Store, lease: Omit<Lease, 'processId'>): Promise<void> {
  await store
    .updateTable('worker.leases')
    .set({ process: null })
    .where('account', '=', lease.account)
    .where('job', '=', lease.job)
    .where('fence', '=', lease.fence)
    .execute()
}

/**
 * Runs `work` in a transaction that locks the lease's row in share mode: nobody can take the lease until it has committed,
 * and one whose lease was taken before writes nothing.
 *
 * @throws LeaseLostError
 */
export async function fencedTransaction<T>(
  store: Store,
  lease: Lease,
  work: (tx: FencedTransaction) => Promise<T>,
): Promise<T> {
  return store.transaction().execute(async tx => {
    const held = await tx
      .selectFrom('worker.leases')
      .select('fence')
      .where('account', '=', lease.account)
      .where('job', '=', lease.job)
      .where('fence', '=', lease.fence)
      .where('process', '=', lease.processId)
      .forShare()
      .executeTakeFirst()
    if (!held) {
      throw new LeaseLostError(
        `Another run of ${lease.job} for account "${lease.account}" has taken over, so this one stopped without writing.`,
      )
    }
    // The brand says that the check above was made; this is the one place that grants it.
    return work(tx as FencedTransaction)
  })
}
