import type { Kysely, Transaction } from 'kysely'
import type { WorkerTables } from './schema.ts'

/** Everything that is stored: the tables of schema `worker`. Mirror tables are accessed by name. */
export type Store = Kysely<WorkerTables>

/** For reading; a run writes through a `FencedTransaction`. */
export type StoreReader = Pick<Store, 'selectFrom'>

declare const fenced: unique symbol

/**
 * A transaction that has checked its run's lease and holds it until commit. Rows and checkpoints are written only through one, or
 * through a statement that depends on the lease as well. Created only by `runs/lease.ts`.
 */
export type FencedTransaction = Transaction<WorkerTables> & { readonly [fenced]: true }

/** What a statement that depends on the lease has returned, and how many rows it has written, or returned if it ends with `select`. */
export interface StatementResult<R> {
  readonly rows: readonly R[]
  readonly count: number
}
