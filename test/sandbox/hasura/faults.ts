/** The faults that a response can have. */
export type Fault =
  | { kind: 'latency'; ms: number }
  /** Looks at the request only then; a function is called when the request comes. */
  | { kind: 'wait'; until: Promise<unknown> | (() => Promise<unknown>) }
  | { kind: 'status'; status: number; headers?: Record<string, string>; body?: string }
  | { kind: 'html' }
  /** Destroys the socket after half the body. */
  | { kind: 'cut-off' }
  | { kind: 'hang' }
  /** With HTTP 200, as Hasura reports its own. */
  | { kind: 'graphql-error'; code: string; message: string }
  /** Destroys the socket before answering; the operation isn't executed. */
  | { kind: 'reset' }
  /** A gateway in front refuses responses that are longer than this: HTTP 504. */
  | { kind: 'too-long'; bytes: number }
  /** Executes the operation and destroys the socket without answering. */
  | { kind: 'reset-after' }

export interface FaultMatch {
  readonly operationName?: string
  /** How often it happens; default: forever. */
  readonly times?: number
  /** Skips the first matches. */
  readonly after?: number
}

interface Rule {
  readonly match: FaultMatch
  readonly fault: Fault
  seen: number
}

/** The planned faults, in order: of those that match a request, the first one that is due happens. */
export class Faults {
  readonly #rules = new Set<Rule>()

  add(match: FaultMatch, fault: Fault): () => void {
    const rule: Rule = { match, fault, seen: 0 }
    this.#rules.add(rule)
    return () => {
      this.#rules.delete(rule)
    }
  }

  clear(): void {
    this.#rules.clear()
  }

  next(operationName: string | undefined): Fault | undefined {
    for (const rule of this.#rules) {
      const { operationName: wanted, times = Number.POSITIVE_INFINITY, after = 0 } = rule.match
      if (wanted !== undefined && wanted !== operationName) continue
      rule.seen += 1
      if (rule.seen > after && rule.seen <= after + times) return rule.fault
    }
    return undefined
  }
}
