import { type RawBuilder, sql, type Transaction } from 'kysely'
import { LeaseLostError, PermanentError } from '../errors.ts'
import type { WorkerTables } from '../store/schema.ts'
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

interface Taker {
  readonly account: string
  readonly job: string
  readonly processId: string
}

async function takeLease(store: Store, taker: Taker): Promise<Lease | undefined> {
  const { account, job } = taker
  return store.transaction().execute(async tx => {
    const fence = (await takeFree(tx, taker)) ?? (await takeFirst(tx, taker))
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
    return { ...taker, fence }
  })
}

/**
 * It never waits for the row: a transaction of the holder's has it locked for as long as that takes, and so long it is busy.
 * Who is alive is judged again behind the lock, because its holder may have changed until then.
 */
async function takeFree(
  tx: Transaction<WorkerTables>,
  { account, job, processId }: Taker,
): Promise<string | undefined> {
  const isFree = sql<boolean>`(l.process is null or not ${isLiving(sql.ref('l.process'))})`
  const { rows: free } = await sql`
    select from worker.leases l where l.account = ${account} and l.job = ${job} and ${isFree}
    for update skip locked`.execute(tx)
  if (free.length === 0) return undefined
  const { rows } = await sql<{ fence: string }>`
    update worker.leases l set fence = l.fence + 1, process = ${processId}::uuid, taken_at = now()
    where l.account = ${account} and l.job = ${job} and ${isFree} and ${isLiving(sql`${processId}::uuid`)}
    returning l.fence::text as fence`.execute(tx)
  return rows[0]?.fence
}

async function takeFirst(
  tx: Transaction<WorkerTables>,
  { account, job, processId }: Taker,
): Promise<string | undefined> {
  const { rows } = await sql<{ fence: string }>`
    insert into worker.leases (account, job, fence, process)
    select ${account}, ${job}, 1, ${processId}::uuid where ${isLiving(sql`${processId}::uuid`)}
    on conflict do nothing
    returning fence::text as fence`.execute(tx)
  return rows[0]?.fence
}

function isLiving(process: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`exists (select from worker.processes p where p.id = ${process} and p.expires_at > now())`
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
    await requireHeld(tx, lease)
    // The brand says that the check above was made; this is the one place that grants it.
    return work(tx as FencedTransaction)
  })
}

/**
 * Executes a statement that is the whole transaction: one exchange with the database where `fencedTransaction` needs four. The
 * lease's row is locked in the same way.
 *
 * @param build gets the condition that the lease is held, on which everything that is written has to depend
 * @returns how many rows were written
 * @throws LeaseLostError; PermanentError (`nothing-written`), because it is for statements that always write some
 */
export async function fencedStatement(
  store: Store,
  lease: Lease,
  build: (held: RawBuilder<boolean>) => RawBuilder<unknown>,
): Promise<number> {
  const { numAffectedRows = 0n } = await build(isHeld(lease)).execute(store)
  if (numAffectedRows > 0n) return Number(numAffectedRows)
  await requireHeld(store, lease)
  throw new PermanentError('nothing-written', {
    found: `A statement of ${lease.job} wrote no row, though nothing keeps its run from writing`,
    remedy: 'look for a trigger on its mirror table that keeps rows out',
  })
}

function isHeld({ account, job, fence, processId }: Lease): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select from worker.leases where account = ${account} and job = ${job} and fence = ${fence} and process = ${processId}
    for share)`
}

async function requireHeld(store: Store, lease: Lease): Promise<void> {
  const { rows } = await sql`select where ${isHeld(lease)}`.execute(store)
  if (rows.length > 0) return
  throw new LeaseLostError(
    `Another run of ${lease.job} for account "${lease.account}" has taken over, so this one stopped without writing`,
  )
}
