import type { ClientAuthMethod } from '../account.ts'

/** An error answer of the token endpoint (RFC 6749, section 5.2). */
export interface OAuthRefusal {
  readonly error: string
  readonly description: string | undefined
}

/** Who asked, at which URL, and with what: what a sentence about a refusal has to name. */
export interface Asker {
  readonly clientId: string
  readonly method: ClientAuthMethod
  readonly url: string
  /** Where its credential comes from, such as "the secret file /run/secret". */
  readonly origin: string
  readonly scopes: readonly string[]
  /** Taken out of what the server says. */
  readonly secrets: readonly string[]
  /** How far the server's clock is ahead of ours; 0 when they agree. */
  readonly serverAheadMs: number
}
