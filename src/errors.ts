import { tellable } from './words/printable.ts'

/** What a person is told. Neither text ends with a full stop, so that they can stand in one sentence. */
export interface Explanation {
  /** What was found, and where it matters what was needed. */
  readonly found: string
  /** What to do about it; undefined when `found` leaves nothing to add. */
  readonly remedy?: string | undefined
}

/** The one place where the two become a sentence: "found: remedy". */
export function renderExplanation(told: Told): string {
  const { found, remedy } = toExplanation(told)
  return remedy === undefined ? found : `${found}: ${remedy}`
}

/** What was found, alone or with what to do about it. Names in it may come from a token, a schema or a payload. */
export type Told = string | Explanation

/** Here a sentence becomes fit for a terminal, a log and a page: on one line, and no longer than anybody reads. */
export function toExplanation(told: Told): Explanation {
  const { found, remedy } = typeof told === 'string' ? { found: told, remedy: undefined } : told
  return { found: tellable(found), ...(remedy !== undefined && { remedy: tellable(remedy) }) }
}

/** The same, said of a place such as a job or a line of a file. */
export function inPlace(place: string, told: Told): Explanation {
  const { found, remedy } = toExplanation(told)
  return { found: `${place}: ${found}`, remedy }
}

/** What is told of a failure that another one caused: the cause stands in brackets, and its remedy helps here as well. */
export function causedBy(found: string, cause: Explanation): Explanation {
  return { found: `${found} (${cause.found})`, remedy: cause.remedy }
}

/**
 * One class for each decision that a caller takes. `message` is the rendered explanation; a text alone is what was found.
 * `code` is for programs and names the check that failed.
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

/** Wrong words on the command line or in a request: exit code 2, HTTP 400. */
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

/** A thing that was named doesn't exist (job, account, request): exit code 2, HTTP 404. */
export class NotFoundError extends WorkerError {
  constructor(told: Told) {
    super('not-found', told)
  }
}

/** The environment, the accounts file or the job list contradict themselves; holds every problem at once. Exit code 2. */
export class ConfigError extends WorkerError {
  readonly problems: readonly Explanation[]

  constructor(problems: readonly Told[]) {
    const explained = problems.map(toExplanation)
    const [only, ...more] = explained
    super('config', only && more.length === 0 ? only : explained.map(renderExplanation).join('; '))
    this.problems = explained
  }
}

/** The checks of the gate, named as in `doctor` where that makes them too. */
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
 * The gate says no until somebody mends something: the request is held, not failed. `scope` says who else is concerned:
 * every request of the account, or those of this job alone.
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
 * It may work later: the request is tried again with a growing pause.
 *
 * @example
 * import { TransientError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 500) throw new TransientError('shop', 'The shop had no answer')
 * }
 */
export class TransientError extends WorkerError {}

/** The first of two equal requests is being handled: HTTP 409, and a moment later its answer. */
export class InProgressError extends TransientError {
  constructor(told: Told) {
    super('in-progress', told)
  }
}

/**
 * The other side can't be reached, or can't serve anybody: the request waits under a hold for as long as that lasts, since
 * an outage of a night is no reason to give up. `scope` says who waits.
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
  /** What the other side asked for, when it did. */
  readonly retryAfterMs: number | undefined

  constructor(
    code: string,
    scope: 'account' | 'job',
    told: Told,
    options: ErrorOptions & { readonly retryAfterMs?: number } = {},
  ) {
    super(code, told, options)
    this.scope = scope
    this.retryAfterMs = options.retryAfterMs === undefined ? undefined : keepablePause(options.retryAfterMs)
  }
}

/**
 * The other side asks for a pause of `retryAfterMs`, of which a day at most is kept; waiting for it uses no attempt.
 *
 * @example
 * import { RateLimitedError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 429) throw new RateLimitedError('The shop asks for a pause', 60_000)
 * }
 */
export class RateLimitedError extends TransientError {
  readonly retryAfterMs: number

  constructor(told: Told, retryAfterMs: number) {
    super('rate-limited', told)
    this.retryAfterMs = keepablePause(retryAfterMs)
  }
}

const longestPauseMs = 86_400_000

/** What a job's own code has worked out: at most a day, and no nonsense. */
function keepablePause(ms: number): number {
  return Number.isNaN(ms) ? 0 : Math.min(Math.max(0, ms), longestPauseMs)
}

/**
 * It can't work however often it is tried: the request fails at once.
 *
 * @example
 * import { PermanentError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 410) throw new PermanentError('order', { found: 'The order is cancelled', remedy: 'order again' })
 * }
 */
export class PermanentError extends WorkerError {}

/**
 * A mutation was sent and no answer came: it may have happened, so it isn't sent again blindly.
 *
 * @example
 * import { UnknownOutcomeError } from 'hasura-sync-worker'
 *
 * export function requireOrder(response: Response): void {
 *   if (response.status === 504) throw new UnknownOutcomeError('The order may have been made')
 * }
 */
export class UnknownOutcomeError extends PermanentError {
  constructor(told: Told, options?: ErrorOptions) {
    super('unknown-outcome', told, options)
  }
}

/**
 * What a job threw without saying what follows from it: the request is tried again a few times. The sentence is for the worker's
 * operator; `cause` is what was thrown.
 */
export class JobError extends WorkerError {}

/** Another run took the lease over: this one must not write any more. */
export class LeaseLostError extends WorkerError {
  constructor(message: string) {
    super('lease-lost', message)
  }
}
