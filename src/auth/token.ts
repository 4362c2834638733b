import { inspect } from 'node:util'

const shown = '[token]'

/**
 * The opaque bearer string and when it expires. Its parts are private fields, so that a log line, a JSON document, a template string or a
 * debugger shows only `[token]`.
 */
export class Token {
  readonly #value: string
  readonly #expiresAt: number
  readonly #refreshToken: string | undefined

  /**
   * @param expiresAt milliseconds since 1970, by the local clock
   * @param refreshToken given by some servers (RFC 6749, section 6)
   */
  constructor(value: string, expiresAt: number, refreshToken?: string) {
    this.#value = value
    this.#expiresAt = expiresAt
    this.#refreshToken = refreshToken
  }

  /** Follows `Bearer ` in the Authorization header. */
  get value(): string {
    return this.#value
  }

  /** Milliseconds since 1970, by the local clock. */
  get expiresAt(): number {
    return this.#expiresAt
  }

  get refreshToken(): string | undefined {
    return this.#refreshToken
  }

  toString(): string {
    return shown
  }

  toJSON(): string {
    return shown
  }

  [inspect.custom](): string {
    return shown
  }
}
