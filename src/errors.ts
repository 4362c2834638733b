/**
 * One class for each decision that a caller takes. Every message is one sentence for a person: what was found, what was
 * needed, what to do. `code` is for programs and names the check that failed.
 */
export abstract class WorkerError extends Error {
  readonly code: string

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = new.target.name
    this.code = code
  }
}

/** Wrong words on the command line or in a request: exit code 2, HTTP 400. */
export class UsageError extends WorkerError {
  constructor(message: string, options?: ErrorOptions) {
    super('usage', message, options)
  }
}

/** The same name was given to two different things: exit code 2, HTTP 409. */
export class ConflictError extends WorkerError {
  constructor(message: string) {
    super('conflict', message)
  }
}

/** A thing that was named doesn't exist (job, account, request): exit code 2, HTTP 404. */
export class NotFoundError extends WorkerError {
  constructor(message: string) {
    super('not-found', message)
  }
}

/** The environment, the accounts file or the job list contradict themselves; holds every problem at once. Exit code 2. */
export class ConfigError extends WorkerError {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super('config', problems.join('\n'))
    this.problems = problems
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
  'mirror-table',
  'deletion-guard',
  'hasura',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

/**
 * The gate says no until somebody mends something: the request is held, not failed. `scope` says who else is concerned:
 * every request of the account, or those of this job alone.
 */
export class RefusalError extends WorkerError {
  declare readonly code: RefusalCode
  readonly scope: 'account' | 'job'

  constructor(code: RefusalCode, scope: 'account' | 'job', message: string, options?: ErrorOptions) {
    super(code, message, options)
    this.scope = scope
  }
}

/** It may work later: the request is tried again with a growing pause. */
export class TransientError extends WorkerError {}

/**
 * The other side can't be reached, or can't serve anybody: the request waits under a hold for as long as that lasts, since
 * an outage of a night is no reason to give up. `scope` says who waits.
 */
export class OutageError extends TransientError {
  readonly scope: 'account' | 'job'
  /** What the other side asked for, when it did. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: string,
    scope: 'account' | 'job',
    message: string,
    options: ErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(code, message, options)
    this.scope = scope
    this.retryAfterMs = options.retryAfterMs
  }
}

/** The other side asks for a pause of `retryAfterMs`; waiting for it uses no attempt. */
export class RateLimitedError extends TransientError {
  readonly retryAfterMs: number

  constructor(message: string, retryAfterMs: number) {
    super('rate-limited', message)
    this.retryAfterMs = retryAfterMs
  }
}

/** It can't work however often it is tried: the request fails at once. */
export class PermanentError extends WorkerError {}

/** A mutation was sent and no answer came: it may have happened, so it isn't sent again blindly. */
export class UnknownOutcomeError extends PermanentError {
  constructor(message: string, options?: ErrorOptions) {
    super('unknown-outcome', message, options)
  }
}

/** Another run took the lease over: this one must not write any more. */
export class LeaseLostError extends WorkerError {
  constructor(message: string) {
    super('lease-lost', message)
  }
}
