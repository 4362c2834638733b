import type { ActiveRequest, Disposition, RequestHandler } from '../../src/queue/request-queue.ts'

/** A request in a worker's hands, which stays there until the test says what becomes of it. */
export interface Held {
  readonly request: ActiveRequest
  readonly signal: AbortSignal
  end(disposition: Disposition): void
  fail(error: Error): void
}

export interface HeldHandler {
  readonly handler: RequestHandler
  /** Every request that was ever taken, in order. */
  readonly taken: readonly Held[]
  /** The next one that is taken, or was and hasn't been asked for. */
  next(): Promise<Held>
}

export function holdRequests(): HeldHandler {
  const taken: Held[] = []
  const unasked: Held[] = []
  const asking: ((held: Held) => void)[] = []
  return {
    taken,
    handler(request, signal) {
      const { promise, resolve, reject } = Promise.withResolvers<Disposition>()
      const held = { request, signal, end: resolve, fail: reject }
      taken.push(held)
      const asker = asking.shift()
      if (asker) asker(held)
      else unasked.push(held)
      return promise
    },
    next() {
      const held = unasked.shift()
      return held ? Promise.resolve(held) : new Promise(resolve => asking.push(resolve))
    },
  }
}
