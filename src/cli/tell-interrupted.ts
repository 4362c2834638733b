import { TransientError } from '../errors.ts'
import type { Told } from '../explanation.ts'

/**
 * Waits for work that the signal aborts.
 *
 * @param left what the work leaves behind then
 * @throws TransientError (`interrupted`) in place of the signal's reason
 */
export async function tellInterrupted<T>(signal: AbortSignal, left: Told, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw signal.aborted && error === signal.reason ? new TransientError('interrupted', left) : error
  }
}
