/** A request that somebody was told was accepted. */
export interface Accepted {
  readonly id: string
  readonly account: string
  readonly job: string
  readonly payload: object
  readonly key: string | undefined
  readonly door: 'http' | 'sql' | 'command'
  /** When it was first asked for, in milliseconds since 1970: its run begins later. */
  readonly askedAt: number
  /** When its caller was told, on the same clock. */
  readonly toldAt: number
}

/** A row of `chaos.orders` that was committed together with a request, or may have been. */
export interface Order {
  readonly id: string
  readonly requestId: string
  readonly isKnown: boolean
  readonly toldAt: number
}

/** What a run in the foreground has written, whose command said so. */
export interface ForegroundRun {
  readonly entry: string
  readonly toldAt: number
}

export interface Violation {
  readonly promise: string
  readonly found: string
  /** Milliseconds after the beginning. */
  readonly at: number
}
