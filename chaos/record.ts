/** A request whose caller was told that it was accepted. */
export interface Accepted {
  readonly id: string
  readonly account: string
  readonly job: string
  readonly payload: object
  readonly key: string | undefined
  readonly door: 'http' | 'sql' | 'command'
  /** When it was first requested, in milliseconds since 1970: its run starts later. */
  readonly askedAt: number
  /** When its caller was told, on the same clock. */
  readonly toldAt: number
}

/** A row of `chaos.orders` that was, or may have been, committed with a request. */
export interface Order {
  readonly id: string
  readonly requestId: string
  readonly isKnown: boolean
  readonly toldAt: number
}

/** What a foreground run wrote whose command reported success. */
export interface ForegroundRun {
  readonly entry: string
  readonly toldAt: number
}

export interface Violation {
  readonly promise: string
  readonly found: string
  /** Milliseconds after the start of the run. */
  readonly at: number
}
