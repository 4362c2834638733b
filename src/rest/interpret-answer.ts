import { tokenRejected } from '../auth/token-rejected.ts'
import type { Setback } from '../auth/try-until-known.ts'
import { OutageError, PermanentError, TransientError, UnknownOutcomeError, type WorkerError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { type Answered, describeRedirect, describeRejection, refusedOnTheWay } from '../failures/http-status.ts'
import {
  type AnsweredPage,
  isHeaderTooLarge,
  isPage,
  mayBeHeaderTooLarge,
  tokenTooLarge,
} from '../failures/proxy-page.ts'
import { asksForPause, boundPause, parseRetryAfter } from '../time/retry-after.ts'
import { type ApiRequest, isRepeatable } from './api-request.ts'
import { parseRateWindow } from './parse-rate-window.ts'

/** The meaning of an API's response for the sender. */
export type Verdict<T = undefined> =
  | { readonly kind: 'done'; readonly value: T }
  /**
   * The error is a PermanentError, TransientError (worth another try), OutageError (the API is down, or something else answers),
   * or UnknownOutcomeError (the request may have been carried out and must not be sent twice).
   */
  | Setback

/**
 * Interprets a response by its status and headers, because bodies may contain data and differ between APIs (RFC 9110, section 15).
 * Only a page in place of the API's own response is recognized by its body as well: what it says isn't about the object.
 *
 * @param now milliseconds since the Unix epoch, by the local clock
 */
export function interpretAnswer(answer: AnsweredPage, request: ApiRequest, now: number): Verdict {
  const { status, headers } = answer
  if ((status >= 200 && status < 300) || status === 304) return done
  if (status >= 300 && status < 400) return failed(explainRedirect(answer, request))
  if (status === 401) return tokenRejected(describeRejection(answer))
  if (asksForPause(answer) || isUsedUp(answer, now))
    return { kind: 'rate-limited', retryAfterMs: retryAfterMs(headers, now) }
  if (isHeaderTooLarge(answer)) return failed(tokenTooLarge(`${request.name} was refused`, answer))
  const remedy = refusedOnTheWay.get(status)
  if (remedy !== undefined) {
    return failed(
      new OutageError(`http-${status}`, 'account', {
        found: `${request.name} was refused on its way (HTTP ${status})`,
        remedy,
      }),
    )
  }
  if (answeredInstead.has(status) && isPage(answer)) return failed(explainPage(answer, request))
  // The previous try has deleted it, as requested.
  if (request.method === 'DELETE' && request.repeated && (status === 404 || status === 410)) return done
  if (status === 409 && request.keyed && request.repeated) {
    return failed(new TransientError('in-progress', `${request.name} is still being processed from an earlier try`))
  }
  if (status === 412 && request.repeated && !onlyReads.has(request.method)) return failed(explainOwnChange(request))
  if (status >= 500 || status === 408) return failed(explainServerError(status, request))
  return failed(explainRefusal(status, request))
}

const done: Verdict = { kind: 'done', value: undefined }

/** Statuses with which an ingress without its server, a firewall or a bot check answers instead of the API, which does nothing. */
const answeredInstead: ReadonlySet<number> = new Set([400, 403, 404, 405, 406, 410])

/** Statuses that a single slow or unusual request can cause, so they don't mean that the API is down. */
const oneRequestsFault: ReadonlySet<number> = new Set([408, 500, 504, 507, 508])

const onlyReads: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Server errors which mean that the API will never do this. */
const neverServed: ReadonlySet<number> = new Set([501, 505])

function retryAfterMs(headers: Pick<Headers, 'get'>, now: number): number {
  const resetAt = parseRateWindow(headers, now)?.resetAt
  return parseRetryAfter(headers, now, resetAt === undefined ? undefined : boundPause(resetAt - now))
}

/** Some APIs answer 403 when their limit is used up, such as GitHub. Of a limit of one, none is left after a refusal either. */
function isUsedUp({ status, headers }: AnsweredPage, now: number): boolean {
  if (status !== 403) return false
  const { limit, remaining } = parseRateWindow(headers, now) ?? {}
  return remaining === 0 && (limit === undefined || limit > 1)
}

const unusualInPath = /%(?:2f|5c|25|3b)/i

function explainPage(answer: AnsweredPage, { name, address }: ApiRequest): WorkerError {
  const { status, tokenBytes } = answer
  const refusedPath = unusualInPath.test(name)
    ? 'let the server accept an encoded slash, backslash, percent sign or semicolon in a path, which Tomcat and Apache refuse by default; or '
    : ''
  const largeToken = mayBeHeaderTooLarge(answer)
    ? `let a proxy in front of the API take larger headers, because the token has ${tokenBytes} bytes; or `
    : ''
  return new OutageError(`http-${status}`, 'job', {
    found: `${name} was answered with a web page instead of the API's own response (HTTP ${status})`,
    remedy: `${refusedPath}${largeToken}check ${address}, and that proxies, firewalls and bot checks in front of the API let this worker through`,
  })
}

/** What to do where an API knows only a type of its own, such as `application/vnd.api+json`. */
const otherType: ReadonlyMap<number, string> = new Map([
  [406, 'the API has this in another type than application/json: name that in the header accept of api.fetch'],
  [415, 'the API takes another type than application/json: name that in the header content-type of api.fetch'],
])

function explainRefusal(status: number, request: ApiRequest): WorkerError {
  const { name, address } = request
  if (status === 403) {
    return new PermanentError('forbidden', {
      found: `${name} was refused (HTTP 403)`,
      remedy:
        'check that the service account has the required scope or role, and that the API has not disabled the account',
    })
  }
  if (status === 404) {
    return new PermanentError('not-found', {
      found: `${name} was not found (HTTP 404)`,
      remedy: `check ${address}; APIs also answer 404 if this account may not see the object`,
    })
  }
  return new PermanentError(`http-${status}`, {
    found: `${name} was refused (HTTP ${status})`,
    remedy:
      otherType.get(status) ?? "the request must change; the API's reason is not shown, because it may contain data",
  })
}

/** The previous try may have made the change after which its own condition no longer holds (RFC 9110, section 13.1.1). */
function explainOwnChange({ name }: ApiRequest): WorkerError {
  return unknownOutcome({
    found: `${name} was refused by its condition (HTTP 412) after an earlier try had failed`,
    remedy: 'read the object again to see whether that try has changed it',
  })
}

function explainServerError(status: number, request: ApiRequest): WorkerError {
  const { name } = request
  if (neverServed.has(status)) {
    return new PermanentError(`http-${status}`, `${name} is not supported by the API (HTTP ${status})`)
  }
  const told = {
    found: `${name} failed (HTTP ${status})`,
    remedy: 'check the log of the API, or of the proxy in front of it',
  }
  if (!isRepeatable(request)) return unknownOutcome(told)
  if (oneRequestsFault.has(status)) return new TransientError(`http-${status}`, told)
  return new OutageError(`http-${status}`, 'account', told)
}

/**
 * Redirects aren't followed: the token would go to an unknown host, and a POST would become a GET. Only 307 and 308 mean that
 * nothing was done yet (RFC 9110, section 15.4).
 */
function explainRedirect(answer: Answered, request: ApiRequest): WorkerError {
  const { status } = answer
  const told = {
    found: `${request.name} ${describeRedirect(answer)}`,
    remedy: addsSlash(answer, request)
      ? 'end the path with a slash, as the API does there'
      : `check ${request.address}, and whether a login page is in front of the API`,
  }
  if (status !== 307 && status !== 308 && !isRepeatable(request)) return unknownOutcome(told)
  return new OutageError('redirect', 'job', told)
}

/** Django, FastAPI and others redirect a path without its last slash. */
function addsSlash({ headers }: Answered, { name }: ApiRequest): boolean {
  const path = name.slice(name.indexOf(' ') + 1)
  const target = URL.parse(headers.get('location') ?? '', 'http://relative')
  return path.startsWith('/') && target?.pathname.endsWith(`${path}/`) === true
}

export function unknownOutcome({ found, remedy }: Explanation): UnknownOutcomeError {
  return new UnknownOutcomeError({ found: `The request may or may not have been carried out. ${found}`, remedy })
}

function failed(error: WorkerError): Verdict {
  return { kind: 'error', error }
}
