import { LeaseLostError, PermanentError } from '../errors.ts'

/** The calls of `context` that write: what a job doesn't await would be missing, although the run had succeeded. */
export interface OpenCalls extends Disposable {
  /**
   * @param used the member of `context` that was called
   * @throws PermanentError (`not-awaited`) once the run has ended
   */
  during<T>(used: string, call: () => Promise<T>): Promise<T>
  /** @throws PermanentError (`not-awaited`) if a call has not ended */
  requireNone(): void
}

export function createOpenCalls(job: string): OpenCalls {
  const open = new Map<symbol, string>()
  let isOver = false
  const late = (used: string) => notAwaited(`context.${used} of ${job} wrote nothing, because its run had ended`)
  return {
    async during(used, call) {
      if (isOver) throw late(used)
      const own = Symbol(used)
      open.set(own, used)
      try {
        return await call()
      } catch (error) {
        // The lease ended with the run: nobody has taken it over.
        throw isOver && error instanceof LeaseLostError ? late(used) : error
      } finally {
        open.delete(own)
      }
    },
    requireNone() {
      const [used] = open.values()
      if (used === undefined) return
      throw notAwaited(`${job} returned while context.${used} was still running, so what it writes may be missing`)
    },
    [Symbol.dispose]() {
      isOver = true
    },
  }
}

function notAwaited(found: string): PermanentError {
  return new PermanentError('not-awaited', {
    found,
    remedy:
      'await each call, also "write" and "finish" of a list; forEach does not wait for async functions, so use a loop or Promise.all',
  })
}
