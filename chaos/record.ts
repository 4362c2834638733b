/** Something that was committed between two instants, in milliseconds since 1970. */
export interface Told {
  /** When it was first requested. */
  readonly askedAt: number
  /** When its caller was told. */
  readonly toldAt: number
}

/** A request whose caller was told that it was accepted. Its run starts after it was asked. */
export interface Accepted extends Told {
  readonly id: string
  readonly account: string
  readonly job: string
  readonly payload: object
  readonly key: string | undefined
  readonly door: 'http' | 'sql' | 'command'
}

/** A row of `chaos.orders` that was, or may have been, committed with a request. */
export interface Order extends Told {
  readonly id: string
  readonly requestId: string
  readonly isKnown: boolean
}

/** What a foreground run wrote whose command reported success. */
export interface ForegroundRun extends Told {
  readonly entry: string
}

export interface Violation {
  readonly promise: string
  readonly found: string
  /** Milliseconds after the start of the run. */
  readonly at: number
}
