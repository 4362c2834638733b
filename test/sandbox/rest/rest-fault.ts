/** The faults that a REST sandbox can cause. */
export type RestFault =
  | { kind: 'latency'; ms: number }
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  | { kind: 'html' }
  /** Carries the request out and destroys the socket after half the response. */
  | { kind: 'cut-off' }
  | { kind: 'hang' }
  /** Destroys the socket; the request isn't carried out. */
  | { kind: 'reset' }
  /** Carries the request out and destroys the socket without a response. */
  | { kind: 'reset-after' }

interface Planned {
  readonly fault: RestFault
  left: number
}

/** Faults for later requests, in the order in which they were planned, each for its number of requests. */
export class RestFaults {
  #planned: Planned[] = []

  /** Returns a function that removes the fault; without `times` it stays until then. */
  add(fault: RestFault, times = Number.POSITIVE_INFINITY): () => void {
    const planned = { fault, left: times }
    this.#planned.push(planned)
    return () => {
      this.#planned = this.#planned.filter(other => other !== planned)
    }
  }

  take(): RestFault | undefined {
    const next = this.#planned.find(({ left }) => left > 0)
    if (!next) return undefined
    next.left -= 1
    return next.fault
  }
}
