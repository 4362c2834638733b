import type { UntypedDocument } from '../hasura/derive-documents.ts'

/** Subscriptions of a job that only tell that something may have changed; a run finds out what. */
export interface Doorbell {
  /** Milliseconds between two requests of the same kind, at least. */
  readonly intervalMs: number
  /**
   * What is subscribed to for an account.
   *
   * @param schemaFolder where the SDL of each role is
   * @throws ConfigError when the job doesn't fit the schema of its role
   */
  listen(schemaFolder: URL, account: { readonly name: string }): Promise<Listener>
}

/** What one line's subscriptions have told so far; it outlives their connection. */
export interface Listener {
  readonly subscriptions: readonly DoorbellSubscription[]
  /**
   * A subscription has told something.
   *
   * @param name of the subscription
   * @param data of its payload
   * @param now milliseconds since 1970
   */
  hear(name: string, data: unknown, now: number): Heard
  /** Nobody has listened for a while, so what was told meanwhile isn't known. */
  missed(): readonly Ring[]
}

export interface DoorbellSubscription {
  readonly name: string
  /** One subscription. */
  readonly document: UntypedDocument
  readonly variables: Readonly<Record<string, unknown>>
}

export interface Heard {
  readonly rings: readonly Ring[]
  /** The subscription has told enough and ends. */
  readonly ends?: boolean
}

/** A request that a change asks for. */
export interface Ring {
  /** Rings of one kind become one request. */
  readonly kind: string
  readonly payload: unknown
  /** Milliseconds until the request is made, in which another ring may make it needless; default 0. */
  readonly waitMs?: number
  /** Milliseconds until the next request of this kind; default that of the doorbell. */
  readonly pauseMs?: number
  /** Kinds that it makes needless while they wait. */
  readonly replaces?: readonly string[]
}
