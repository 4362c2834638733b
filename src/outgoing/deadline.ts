export interface Deadline {
  /** Ends the work early, with its own reason. */
  readonly signal?: AbortSignal
  /** For the whole work, including the last byte of the response. */
  readonly timeoutMs: number
}

/** Node makes a longer timer one of 1 ms. */
const longestTimerMs = 2 ** 31 - 1

/**
 * Runs work with a signal of its own, whose timer and listener end with the work. A signal that fires after its request has ended
 * destroys what a library left open, and an `error` event without a listener ends the process.
 *
 * @throws what the work throws; the reason of `signal`, or a TimeoutError, if one of them ended it
 */
export async function withDeadline<T>(
  { signal, timeoutMs }: Deadline,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted()
  const own = new AbortController()
  const leave = () => own.abort(signal?.reason)
  signal?.addEventListener('abort', leave, { once: true })
  const timer = setTimeout(
    () => own.abort(new DOMException('No complete response arrived in time', 'TimeoutError')),
    Math.min(timeoutMs, longestTimerMs),
  )
  const working = work(own.signal)
  // A library may ignore its signal while one of its requests waits for a connection.
  const ended = new Promise<never>((_, reject) => {
    own.signal.addEventListener('abort', () => reject(own.signal.reason))
  })
  try {
    return await Promise.race([working, ended])
  } catch (error) {
    // Libraries wrap the reason, or throw what the abort did to their connection.
    own.signal.throwIfAborted()
    throw error
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', leave)
  }
}
