import type { PGlite } from '@electric-sql/pglite'
import { TransientError } from '../errors.ts'
import { quoteForeign } from '../words/foreign-words.ts'

/** The status with which Postgres continues after a statement failed, in PGlite. */
const statementFailed = 100

/** Why Postgres ended itself, in its own words: it writes them as its last, and PGlite keeps them from the statement. */
export class PanicWords {
  said: string | undefined
  /** For `onStderr` of PGlite. */
  readonly read = (line: string): boolean => {
    this.said ??= /\bPANIC: +(.+)/.exec(line)?.[1]
    return true
  }
}

/**
 * Notices that an embedded Postgres has ended: by a PANIC, such as for a log that doesn't fit on the disk, or by a crash of its
 * WebAssembly. PGlite doesn't (electric-sql/pglite#1058): it takes the statement for done, or calls the dead Postgres again forever,
 * in a loop in which nothing else in this process gets a turn.
 */
export class PostgresEnd {
  readonly #reached = Promise.withResolvers<TransientError>()
  /** What ended it. */
  #cause: unknown
  #error: TransientError | undefined
  readonly #panic: PanicWords

  /** @param db must be ready */
  constructor(db: PGlite, panic: PanicWords) {
    this.#panic = panic
    const postgres = db.Module
    const { _PostgresMainLoopOnce: turn, _PostgresMainLongJmp: recover, stackRestore } = postgres
    let isCalledAgain = false
    postgres._PostgresMainLoopOnce = () => {
      if (this.#cause === undefined) return this.#watch(turn)
      isCalledAgain = true
      throw this.#cause
    }
    postgres._PostgresMainLongJmp = () => this.#watch(recover)
    // Called after each turn that threw, outside of what ignores exceptions.
    postgres.stackRestore = pointer => {
      if (isCalledAgain) throw this.#cause
      return stackRestore(pointer)
    }
  }

  /** Resolves when it has ended, and somebody has seen why. */
  get reached(): Promise<TransientError> {
    return this.#reached.promise
  }

  get isReached(): boolean {
    return this.#cause !== undefined
  }

  /** @returns why it has ended; the error itself if it hasn't */
  explain(error?: unknown): unknown {
    if (!this.isReached) return error
    this.#error ??= explainEnd(this.#cause, this.#panic.said)
    this.#reached.resolve(this.#error)
    return this.#error
  }

  #watch(call: () => void): void {
    try {
      call()
    } catch (error) {
      if (!hasFailedStatement(error)) this.#cause = error
      throw error
    }
  }
}

function hasFailedStatement(error: unknown): boolean {
  return typeof error === 'object' && error !== null && 'status' in error && error.status === statementFailed
}

function explainEnd(cause: unknown, panic: string | undefined): TransientError {
  const words = panic ?? wordsOf(cause)
  return new TransientError(
    'store',
    {
      found: `The embedded database has ended${words ? ` (${quoteForeign(words)})` : ''}`,
      remedy:
        panic === undefined
          ? 'start this process again, and if the database ends again, set DATABASE_URL to one on a Postgres server'
          : 'check the disk of DATA_DIR, and its free space, and start this process again',
    },
    { cause },
  )
}

function wordsOf(cause: unknown): string | undefined {
  return typeof cause === 'object' && cause !== null && 'message' in cause ? String(cause.message) : undefined
}
