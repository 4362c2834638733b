import { AsyncLocalStorage } from 'node:async_hooks'
import { PermanentError } from '../errors.ts'
import type { Store } from '../store/store.ts'

/** Tells what a job calls inside its transactions from what it calls beside them. */
export interface TransactionScope {
  /** Runs the function of a transaction. */
  enter<T>(work: () => Promise<T>): Promise<T>
  /**
   * @param used the member of `context` that was called
   * @throws PermanentError (`inside-transaction`)
   */
  requireOutside(used: string): void
  /** The store, whose statements are refused inside. */
  guard(store: Store): Store
}

/**
 * Anything but its own statements would wait for a connection while the transaction keeps one. The embedded database has a single
 * connection, so both would wait forever.
 */
export function createTransactionScope(job: string): TransactionScope {
  const scopes = new AsyncLocalStorage<{ isOpen: boolean }>()

  function requireOutside(used: string): void {
    if (!scopes.getStore()?.isOpen) return
    throw new PermanentError('inside-transaction', {
      found: `${job} used context.${used} inside context.transaction`,
      remedy: `use only the transaction's own tx inside, and context.${used} before or after it`,
    })
  }

  return {
    requireOutside,
    async enter(work) {
      const scope = { isOpen: true }
      try {
        return await scopes.run(scope, work)
      } finally {
        // What was started inside and not awaited may use the store.
        scope.isOpen = false
      }
    },
    guard: store =>
      store.withPlugin({
        transformQuery({ node }) {
          requireOutside('store')
          return node
        },
        transformResult: async ({ result }) => result,
      }),
  }
}
