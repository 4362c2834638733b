import { type Explanation, renderExplanation, type Told, toExplanation } from './explanation.ts'

/**
 * Neither check alone is enough: Node's errors are no instances of the Error that Jest gives a test, and `Error.isError` doesn't know
 * those that older libraries make without the constructor, by `Object.create(Error.prototype)` or `Error.call(this)`.
 */
export function isError(value: unknown): value is Error {
  return Error.isError(value) || value instanceof Error
}

/** Whether a deadline ended the work: its own, or that of an `AbortSignal.timeout`. */
export function isTimeout(error: unknown): boolean {
  return isError(error) && error.name === 'TimeoutError'
}

/** The `code` of an error of Node, a library or a database's driver, such as `ENOENT` or a SQLSTATE. */
export function errorCodeOf(error: unknown): string | undefined {
  return isError(error) && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}

export function messageOf(error: unknown): string {
  return isError(error) ? error.message : String(error)
}

/**
 * Base of the worker's errors: one class for each decision that a caller takes. `message` is the rendered explanation. `code` is for
 * programs and names the check that failed.
 */
export abstract class WorkerError extends Error implements Explanation {
  readonly code: string
  readonly found: string
  readonly remedy: string | undefined

  constructor(code: string, told: Told, options?: ErrorOptions) {
    const { found, remedy } = toExplanation(told)
    super(renderExplanation({ found, remedy }), options)
    this.name = new.target.name
    this.code = code
    this.found = found
    this.remedy = remedy
  }
}

/** Invalid arguments on the command line or in a request: exit code 2, HTTP 400. */
export class UsageError extends WorkerError {
  constructor(told: Told, options?: ErrorOptions) {
    super('usage', told, options)
  }
}

/** The same name was given to two different things: exit code 2, HTTP 422. */
export class ConflictError extends WorkerError {
  constructor(told: Told) {
    super('conflict', told)
  }
}

/** The named job, account or request doesn't exist: exit code 2, HTTP 404. */
export class NotFoundError extends WorkerError {
  constructor(told: Told) {
    super('not-found', told)
  }
}

/** The environment, the accounts file or the job list is invalid: exit code 2. Contains all problems. */
export class ConfigError extends WorkerError {
  readonly problems: readonly Explanation[]

  constructor(problems: readonly Told[], options?: ErrorOptions) {
    const explained = problems.map(toExplanation)
    const [only, ...more] = explained
    super('config', only && more.length === 0 ? only : explained.map(renderExplanation).join('; '), options)
    this.problems = explained
  }
}

/** The checks of the gate, named as in `doctor`. */
export const refusalCodes = [
  'client-auth',
  'scope',
  'claims',
  'default-role',
  'allowed-roles',
  'user-id',
  'job-roles',
  'first-login',
  'fingerprint',
  'contract',
  'settings',
  'mirror-table',
  'deletion-guard',
  'hasura',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

/**
 * The gate refuses until somebody fixes the cause: the request is held, not failed. `scope` is what waits: all requests of the
 * account, or only those of this job.
 *
 * @example
 * import { RefusalError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 403) throw new RefusalError('scope', 'job', { found: 'The shop refuses the token', remedy: 'grant it "orders"' })
 * }
 */
export class RefusalError extends WorkerError {
  declare readonly code: RefusalCode
  readonly scope: 'account' | 'job'

  constructor(code: RefusalCode, scope: 'account' | 'job', told: Told, options?: ErrorOptions) {
    super(code, told, options)
    this.scope = scope
  }
}

/**
 * A temporary failure: the request is retried with a growing pause.
 *
 * @example
 * import { TransientError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 500) throw new TransientError('shop', 'The shop failed with HTTP 500')
 * }
 */
export class TransientError extends WorkerError {}

/** The first of two equal requests is still being handled: HTTP 409; a moment later, its response. */
export class InProgressError extends TransientError {
  constructor(told: Told) {
    super('in-progress', told)
  }
}

/**
 * The remote system is unreachable or down for everybody: the request waits under a hold until it is back, without using up
 * its attempts. `scope` is what waits: all requests of the account, or only those of this job.
 *
 * @example
 * import { OutageError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 503) throw new OutageError('shop', 'job', 'The shop is closed')
 * }
 */
export class OutageError extends TransientError {
  readonly scope: 'account' | 'job'
  /** The pause that the remote system asked for, if any, in milliseconds. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: string,
    scope: 'account' | 'job',
    told: Told,
    options: ErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(code, told, options)
    this.scope = scope
    this.retryAfterMs = options.retryAfterMs === undefined ? undefined : clampPause(options.retryAfterMs)
  }
}

/**
 * The remote system asks for a pause of `retryAfterMs`, at least a second and at most a day. Waiting uses no attempt.
 *
 * @example
 * import { RateLimitedError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 429) throw new RateLimitedError('The shop limits requests', 60_000)
 * }
 */
export class RateLimitedError extends TransientError {
  readonly retryAfterMs: number

  constructor(told: Told, retryAfterMs: number) {
    super('rate-limited', told)
    this.retryAfterMs = Math.max(leastPauseMs, clampPause(retryAfterMs))
  }
}

/**
 * The least pause before a job runs again because it says so, in milliseconds. A pause that is computed from a header that is absent, or
 * from an instant that has passed, is none: the job, and the requests that it sends, would be repeated hundreds of times a second.
 */
export const leastPauseMs = 1_000
const longestPauseMs = 86_400_000

/** A pause in milliseconds is at most a day, whatever a job or an API asks for; none if it isn't a number. */
export function clampPause(ms: number): number {
  return ms >= 0 ? Math.min(ms, longestPauseMs) : 0
}

/**
 * A failure that no retry can fix: the request fails immediately.
 *
 * @example
 * import { PermanentError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 410) throw new PermanentError('order', { found: 'The order is cancelled', remedy: 'place a new order' })
 * }
 */
export class PermanentError extends WorkerError {}

/** A reader's position comes after the last change of its table: it must read again from the beginning. HTTP 410. */
export class PositionError extends PermanentError {
  constructor(told: Told) {
    super('position', told)
  }
}

/**
 * A mutation was sent but no response arrived. It may have been executed, so it isn't retried.
 *
 * @example
 * import { UnknownOutcomeError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 504) throw new UnknownOutcomeError('The order may have been placed')
 * }
 */
export class UnknownOutcomeError extends PermanentError {
  constructor(told: Told, options?: ErrorOptions) {
    super('unknown-outcome', told, options)
  }
}

/**
 * A job threw an error that isn't a `WorkerError`: the request is retried a few times. The message is for the worker's operator;
 * `cause` is what was thrown.
 */
export class JobError extends WorkerError {}

/** Another run has taken over the lease: this one must no longer write. */
export class LeaseLostError extends WorkerError {
  constructor(told: Told) {
    super('lease-lost', told)
  }
}

/** The run's process did nothing for so long that another one may have taken over: its event loop was blocked, or it was paused. */
export class PausedError extends LeaseLostError {
  constructor(ms: number) {
    super({
      found: `The process did nothing for ${(ms / 1000).toFixed(1)} s, so this run may have been taken over`,
      remedy: 'check for code in jobs that blocks the event loop, and whether the process gets enough CPU',
    })
  }
}

/** An exception that nobody caught ends the process, which some run may have thrown: the reason with which all are aborted. */
export class CrashError extends WorkerError {
  constructor() {
    super('crash', {
      found: 'An uncaught exception ended the process',
      remedy: 'the log has it, as "uncaught exception"',
    })
  }
}

/** An operator has cancelled the run's request: the reason with which its signal is aborted. */
export class CancelledError extends WorkerError {
  constructor() {
    super('cancelled', 'An operator cancelled it')
  }
}
