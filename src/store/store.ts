import type { Kysely, Transaction } from 'kysely'
import type { WorkerTables } from './schema.ts'

/** Everything that is remembered: the tables of schema `worker`; mirror tables are reached by their names. */
export type Store = Kysely<WorkerTables>

/** For looking things up: what a run writes goes through a `FencedTransaction`. */
export type StoreReader = Pick<Store, 'selectFrom'>

declare const fenced: unique symbol

/**
 * A transaction that has checked its run's lease and holds it until commit: only through one, or through a statement that
 * depends on the lease as well, may rows and checkpoints be written. Made by `runs/lease.ts` alone.
 */
export type FencedTransaction = Transaction<WorkerTables> & { readonly [fenced]: true }
