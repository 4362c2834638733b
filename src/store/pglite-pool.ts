import type { PGlite, Results, SerializerOptions, Transaction } from '@electric-sql/pglite'
import type { PostgresCursor } from 'kysely'
import { PanicWords, PostgresEnd } from './postgres-end.ts'

/** The part of a node-postgres result that Kysely reads. */
interface PoolResult<R> {
  command: 'UPDATE' | 'COMMIT' | 'ROLLBACK'
  rowCount: number
  rows: R[]
}

/**
 * Wraps an in-process PGlite as a node-postgres pool, so that the same Kysely dialect serves both databases.
 *
 * PGlite has one connection. A client that sends BEGIN holds it until its COMMIT or ROLLBACK, and other statements wait, so a
 * transaction never includes another client's statement.
 */
export class PGlitePool {
  readonly options = {}
  readonly postgresEnd: PostgresEnd
  readonly #db: PGlite

  /**
   * @param db must be ready
   * @param panic what `db` has written
   */
  constructor(db: PGlite, panic = new PanicWords()) {
    this.#db = db
    this.postgresEnd = new PostgresEnd(db, panic)
  }

  async connect(): Promise<PGliteClient> {
    return new PGliteClient(this.#db, this.postgresEnd)
  }

  async end(): Promise<void> {
    // A dead Postgres has no state that could be written: the next one recovers from the log.
    if (!this.postgresEnd.isReached) await this.#db.close()
  }
}

/** The oid of `text[]`, which PGlite has no name for. */
const textArrayType = 1009

interface OpenTransaction {
  readonly tx: Transaction
  finish(how: 'commit' | 'rollback'): Promise<void>
}

class PGliteClient {
  readonly #db: PGlite
  readonly #postgresEnd: PostgresEnd
  #transaction: OpenTransaction | undefined
  /** Like in node-postgres, bytes are a value in binary format. PGlite accepts them too, although its types say text. */
  readonly #serializers: SerializerOptions = {
    [textArrayType]: (value: unknown) =>
      value instanceof Uint8Array ? (value as unknown as string) : (this.#db.serializers[textArrayType]?.(value) ?? ''),
  }

  constructor(db: PGlite, postgresEnd: PostgresEnd) {
    this.#db = db
    this.#postgresEnd = postgresEnd
  }

  query<R>(cursor: PostgresCursor<R>): PostgresCursor<R>
  query<R>(text: string, params?: readonly unknown[]): Promise<PoolResult<R>>
  query<R>(text: string | PostgresCursor<R>, params?: readonly unknown[]): PostgresCursor<R> | Promise<PoolResult<R>> {
    if (typeof text !== 'string') throw new TypeError('PGlite has no cursors')
    return this.#runOnLiving<R>(text, params)
  }

  async #runOnLiving<R>(text: string, params?: readonly unknown[]): Promise<PoolResult<R>> {
    const result = await this.#run<R>(text, params).catch((error: unknown) => {
      throw this.#postgresEnd.explain(error)
    })
    if (this.#postgresEnd.isReached) throw this.#postgresEnd.explain()
    return result
  }

  async #run<R>(text: string, params?: readonly unknown[]): Promise<PoolResult<R>> {
    const word = /^\s*(\w+)/.exec(text)?.[1]?.toLowerCase()
    if (word === 'begin' || (word === 'start' && /^\s*start\s+transaction/i.test(text))) {
      this.#transaction = await beginTransaction(this.#db)
      return { command: 'UPDATE', rowCount: 0, rows: [] }
    }
    if ((word === 'commit' || word === 'rollback') && !/\bto\b/i.test(text)) {
      const transaction = this.#transaction
      this.#transaction = undefined
      await transaction?.finish(word)
      return { command: word === 'commit' ? 'COMMIT' : 'ROLLBACK', rowCount: 0, rows: [] }
    }
    const runner = this.#transaction?.tx ?? this.#db
    let result: Results<R>
    try {
      // Without parameters, a text may have several statements (a migration), which only the simple protocol accepts.
      result = params?.length
        ? await runner.query<R>(text, [...params], { serializers: this.#serializers })
        : await runSimple<R>(runner, text)
    } finally {
      // PGlite settles in the same turn of the event loop: without a yield, a busy queue would starve timers and sockets.
      await new Promise(resolve => setImmediate(resolve))
    }
    return { command: 'UPDATE', rowCount: result.affectedRows || result.rows.length, rows: result.rows }
  }

  release(): void {
    const transaction = this.#transaction
    this.#transaction = undefined
    // It fails if the database was closed meanwhile, which also rolls back the transaction.
    transaction?.finish('rollback').catch(() => {})
  }
}

async function runSimple<R>(runner: Pick<Transaction, 'query' | 'exec'>, text: string): Promise<Results<R>> {
  const results = await runner.exec(text)
  const last = results.at(-1)
  // PGlite types the rows of a simple statement as unknown records; the caller names R, as with node-postgres.
  return (last ?? { rows: [], fields: [], affectedRows: 0 }) as Results<R>
}

/** PGlite's transactions are callbacks: this one stays open until `finish` is called. */
async function beginTransaction(db: PGlite): Promise<OpenTransaction> {
  const started = Promise.withResolvers<Transaction>()
  const finished = Promise.withResolvers<'commit' | 'rollback'>()
  const settled = db.transaction(async tx => {
    started.resolve(tx)
    if ((await finished.promise) === 'rollback') await tx.rollback()
  })
  settled.catch(error => started.reject(error))
  const tx = await started.promise
  return {
    tx,
    async finish(how) {
      finished.resolve(how)
      await settled
    },
  }
}
