/**
 * What failed, for callers to decide what to do:
 * - `usage`: the options, the job, the payload or the account are wrong (also HTTP 400, 404, 409, 410, 413, 422)
 * - `unauthorized`: the token is invalid or lacks a role (HTTP 401, 403), or the issuer refused the client
 * - `rate-limited`: the worker asked to wait longer than the deadline allows (HTTP 429)
 * - `unavailable`: no token, or no usable response, before the deadline
 * - `request-failed`, `request-cancelled`: how the awaited request ended
 * - `timeout`: the awaited request has not ended in time; it continues
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
  /** HTTP status, if there was a response. */
  readonly status?: number | undefined
  /** The worker's own code for it. */
  readonly reason?: string | undefined
  /** The requested pause, in milliseconds. */
  readonly retryAfterMs?: number | undefined
  /** Whether a retry may succeed. With the same key, it makes no second request. */
  readonly isTransient?: boolean
  /** Pass it to retry a request whose outcome is unknown. */
  readonly idempotencyKey?: string | undefined
  readonly cause?: unknown
}

/** The only error that the client throws, except the reason of the caller's signal. Its message has no token and no payload. */
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
