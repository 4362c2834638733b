import type { JobContext } from '../definitions/define-job.ts'
import type { FencedTransaction } from '../store/store.ts'

/** Does the work in a transaction and rolls it back, to see what it would do. */
export async function takeBack<T>(
  transaction: JobContext<unknown>['transaction'],
  work: (tx: FencedTransaction) => Promise<T>,
): Promise<T> {
  const takenBack = new Error('rolled back')
  const results: T[] = []
  try {
    await transaction(async tx => {
      results.push(await work(tx))
      throw takenBack
    })
  } catch (error) {
    if (error !== takenBack) throw error
  }
  const [result] = results
  return result as T
}
