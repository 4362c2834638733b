import type { ClientAuthMethod } from '../account.ts'

/** An error answer of the token endpoint (RFC 6749, section 5.2). */
export interface OAuthRefusal {
  readonly error: string
  readonly description: string | undefined
}

/** The request behind a refusal, for its message: which client, which URL, which credential. */
export interface Asker {
  readonly clientId: string
  readonly method: ClientAuthMethod
  readonly url: string
  /** Where the credential comes from, such as "the secret file /run/secret". */
  readonly origin: string
  readonly scopes: readonly string[]
  /** Secrets to remove from the server's words. */
  readonly secrets: readonly string[]
  /** How far the server's clock is ahead of ours, in milliseconds; 0 when they agree. */
  readonly serverAheadMs: number
}
