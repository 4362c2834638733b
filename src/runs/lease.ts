import { type RawBuilder, sql, type Transaction } from 'kysely'
import { LeaseLostError, PermanentError } from '../errors.ts'
import { accountRows } from '../store/account-rows.ts'
import type { WorkerTables } from '../store/schema.ts'
import type { FencedTransaction, StatementResult, Store } from '../store/store.ts'
import type { LineName } from './line.ts'

export const leaseRows = accountRows('worker.leases')

/**
 * The right of a run to be the one active run of its line. Every transaction that writes compares the run's random id and the
 * origin of the lease's row. The origin reveals a store that returned to an earlier state (a restored dump, an asynchronous
 * standby).
 */
export interface Lease extends LineName {
  readonly runId: string
}

/**
 * Runs `work` in a transaction that locks the lease's row in share mode. Nobody can take the lease until it commits, and a run
 * that has lost its lease writes nothing.
 *
 * @throws LeaseLostError; PermanentError (`not-awaited`) if `work` ends before its statements, because those that follow the commit
 *   would be missing
 */
export async function fencedTransaction<T>(
  store: Store,
  lease: Lease,
  work: (tx: FencedTransaction) => Promise<T>,
): Promise<T> {
  // Its commit and rollback wait for the statements before them and refuse those after them, which would otherwise be sent on the
  // same connection, outside the transaction.
  const tx = await store.startTransaction().execute()
  try {
    await requireHeld(tx, lease)
    const result = await work(fence(tx))
    if (!isIdle(tx)) {
      throw new PermanentError('not-awaited', {
        found: `${lease.job} ended a transaction while its statements were still running, so nothing of it was written`,
        remedy: 'await each statement; forEach does not wait for async functions, so use a loop or Promise.all',
      })
    }
    await tx.commit().execute()
    return result
  } catch (error) {
    await tx.rollback().execute()
    throw error
  }
}

/** The brand proves that the lease was checked; it is granted only here. */
function fence(tx: Transaction<WorkerTables>): FencedTransaction {
  return tx as FencedTransaction
}

/** Kysely gives the transaction's connection to one statement at a time: at once if there is no other. */
function isIdle(tx: Transaction<WorkerTables>): boolean {
  let isFree = false
  void tx.getExecutor().provideConnection(async () => {
    isFree = true
  })
  return isFree
}

/**
 * Executes a statement that is the whole transaction: one round trip where `fencedTransaction` needs four. It locks the lease's
 * row in the same way.
 *
 * @param build gets the condition that the lease is held; everything that the statement writes or returns must depend on it
 * @throws LeaseLostError; PermanentError (`nothing-written`), because the statement must always write a row
 */
export async function fencedStatement<R>(
  store: Store,
  lease: Lease,
  build: (held: RawBuilder<boolean>) => RawBuilder<R>,
): Promise<StatementResult<R>> {
  const { rows, numAffectedRows = BigInt(rows.length) } = await build(isHeld(lease)).execute(store)
  if (numAffectedRows > 0n) return { rows, count: Number(numAffectedRows) }
  await requireHeld(store, lease)
  throw new PermanentError('nothing-written', {
    found: `A statement of ${lease.job} wrote no row, although its run still holds its lease`,
    remedy: 'check whether a trigger on its mirror table discards rows',
  })
}

function isHeld({ account, job, runId }: Lease): RawBuilder<boolean> {
  return sql<boolean>`exists (
    select from worker.leases l where l.account = ${account} and l.job = ${job} and l.run_id = ${runId}::uuid
      and l.origin = worker.lease_origin(l.xmin)
    for share)`
}

async function requireHeld(store: Store, lease: Lease): Promise<void> {
  const { rows } = await sql`select where ${isHeld(lease)}`.execute(store)
  if (rows.length > 0) return
  throw new LeaseLostError(
    `This run of ${lease.job} for account "${lease.account}" stopped without writing, because it lost its lease: another run has taken over, or the store was restarted, restored or rewritten (VACUUM FULL)`,
  )
}
