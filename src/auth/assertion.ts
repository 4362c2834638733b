import { type ModifyAssertionOptions, modifyAssertion } from 'openid-client'

/** What an assertion states besides its signer. */
export interface AssertionFacts {
  /** The server that must accept it. */
  readonly audience: string
  /** The server's time, in milliseconds since 1970. */
  readonly serverNow: number
}

/** Called at the time of signing. */
export type ChangeAssertion = () => AssertionFacts

/** Lifetime of an assertion, in seconds: enough for one request. */
const lifeSeconds = 60

/**
 * How long an assertion has been valid when it is sent. Clocks differ by less where `ServerTime` tells no difference, and a server
 * without tolerance refuses one that becomes valid in a fraction of a second.
 */
const sinceSeconds = 10

/**
 * Dates assertions (RFC 7523, section 3) by the server's clock, so that a wrong local clock doesn't cause a refusal, and sets an audience
 * that the server accepts as its own.
 */
export function writeAssertion(facts: ChangeAssertion): ModifyAssertionOptions {
  return {
    [modifyAssertion]: (_header, payload) => {
      const { audience, serverNow } = facts()
      const issuedAt = Math.floor(serverNow / 1_000) - sinceSeconds
      Object.assign(payload, { aud: audience, iat: issuedAt, nbf: issuedAt, exp: issuedAt + lifeSeconds })
    },
  }
}
