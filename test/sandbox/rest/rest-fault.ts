/** What can be made to go wrong with an answer of a REST sandbox. */
export type RestFault =
  | { kind: 'latency'; ms: number }
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  | { kind: 'html' }
  /** Carries the request out and destroys the socket after half the answer. */
  | { kind: 'cut-off' }
  | { kind: 'hang' }
  /** Destroys the socket; the request isn't carried out. */
  | { kind: 'reset' }
  /** Carries the request out and destroys the socket without an answer. */
  | { kind: 'reset-after' }

interface Planned {
  readonly fault: RestFault
  left: number
}

/** Faults for the requests to come, the one planned first taking effect first, each for its number of requests. */
export class RestFaults {
  #planned: Planned[] = []

  /** Returns how to take the fault back; without `times` it stays until then. */
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
