/**
 * Why something failed, for a caller to decide by:
 * - `usage`: the options, the job, the payload or the account are wrong (also HTTP 400, 404, 409, 413, 422)
 * - `unauthorized`: the token, or what it allows, isn't enough (HTTP 401, 403), or the issuer refused the client
 * - `rate-limited`: the worker asked to wait longer than the deadline allows (HTTP 429)
 * - `unavailable`: no answer, or no usable one, before the deadline
 * - `request-failed`, `request-cancelled`: what was waited for ended so
 * - `timeout`: what was waited for had not ended in time; it goes on
 */
export type ClientErrorCode =
  | 'usage'
  | 'unauthorized'
  | 'rate-limited'
  | 'unavailable'
  | 'request-failed'
  | 'request-cancelled'
  | 'timeout'

interface Details {
  /** HTTP status, where there was an answer. */
  readonly status?: number | undefined
  /** What the worker itself calls it. */
  readonly reason?: string | undefined
  /** How long it asked to wait, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** Whether the same again may succeed. A request keeps its key, so repeating it makes no second one. */
  readonly isTransient?: boolean
  /** Give it again to repeat a request whose outcome is unknown. */
  readonly idempotencyKey?: string | undefined
  readonly cause?: unknown
}

/** The only error that the client throws, beside the reason of a caller's own signal. Its message holds no token and no payload. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly code: ClientErrorCode
  readonly status: number | undefined
  readonly reason: string | undefined
  readonly retryAfterMs: number | undefined
  readonly isTransient: boolean
  readonly idempotencyKey: string | undefined

  constructor(code: ClientErrorCode, message: string, details: Details = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.status = details.status
    this.reason = details.reason
    this.retryAfterMs = details.retryAfterMs
    this.isTransient = details.isTransient ?? false
    this.idempotencyKey = details.idempotencyKey
  }
}
