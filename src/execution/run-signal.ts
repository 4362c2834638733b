/** The signal of one run. */
export interface RunSignal extends Disposable {
  readonly signal: AbortSignal
}

/**
 * Follows the sources until the run has ended. Node keeps a signal of `AbortSignal.any` that has listeners as long as its sources: what
 * a job leaves on it, and all that this refers to, would stay until the worker ends.
 */
export function openRunSignal(...sources: readonly AbortSignal[]): RunSignal {
  const own = new AbortController()
  const follow = () => own.abort(sources.find(({ aborted }) => aborted)?.reason)
  for (const source of sources) source.addEventListener('abort', follow)
  if (sources.some(({ aborted }) => aborted)) follow()
  return {
    signal: own.signal,
    [Symbol.dispose]() {
      for (const source of sources) source.removeEventListener('abort', follow)
    },
  }
}
