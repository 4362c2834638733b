/** How an endpoint can misbehave; `rewrite` changes the JSON of an otherwise correct response. */
export type IdentityFault =
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  | { kind: 'html' }
  | { kind: 'cut-off' }
  | { kind: 'hang' }
  | { kind: 'latency'; ms: number }
  | { kind: 'redirect'; to: string }
  | { kind: 'rewrite'; rewrite(body: Record<string, unknown>): unknown }

export type IdentityEndpoint = 'token' | 'discovery' | 'jwks'

interface PlannedFault {
  readonly where: IdentityEndpoint
  readonly fault: IdentityFault
  left: number
}

/** Faults by endpoint, in the order in which they were planned, each for its number of requests. */
export class FaultPlan {
  #planned: PlannedFault[] = []

  add(where: IdentityEndpoint, fault: IdentityFault, times = Number.POSITIVE_INFINITY): () => void {
    const planned = { where, fault, left: times }
    this.#planned.push(planned)
    return () => {
      this.#planned = this.#planned.filter(other => other !== planned)
    }
  }

  take(where: IdentityEndpoint): IdentityFault | undefined {
    const next = this.#planned.find(planned => planned.where === where && planned.left > 0)
    if (!next) return undefined
    next.left -= 1
    return next.fault
  }

  clear(): void {
    this.#planned = []
  }
}
