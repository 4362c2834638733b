import { type ModifyAssertionOptions, modifyAssertion } from 'openid-client'

/** What an assertion says besides who signed it. */
export interface AssertionFacts {
  /** The server that it is for. */
  readonly audience: string
  /** The server's time, in milliseconds since 1970. */
  readonly serverNow: number
}

/** Asked at the moment of signing. */
export type ChangeAssertion = () => AssertionFacts

/** How long an assertion may be used, in seconds: one request. */
const lifeSeconds = 60

/**
 * Has assertions (RFC 7523, section 3) speak of the server's time instead of the local, so that a wrong clock here is no
 * reason to be refused, and name an audience that the server takes for itself.
 */
export function writeAssertion(facts: ChangeAssertion): ModifyAssertionOptions {
  return {
    [modifyAssertion]: (_header, payload) => {
      const { audience, serverNow } = facts()
      const issuedAt = Math.floor(serverNow / 1_000)
      Object.assign(payload, { aud: audience, iat: issuedAt, nbf: issuedAt, exp: issuedAt + lifeSeconds })
    },
  }
}
