import type { Setback } from './try-until-known.ts'

/** How an API whose clock is behind says so: Hasura, the JWT libraries of other languages, and proxies. */
const earlyWords =
  /not ?yet ?valid|not valid (?:yet|before)|issued ?at ?future|in the future|should be in the past|used (?:before|too early)|jwt not active/i

/**
 * An API has rejected the token: as invalid, or as not valid yet.
 *
 * @param reason in the API's words
 */
export function tokenRejected(reason: string): Setback {
  return { kind: 'token-rejected', reason, ...(earlyWords.test(reason) && { isEarly: true }) }
}
