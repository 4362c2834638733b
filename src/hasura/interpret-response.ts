import { z } from 'zod'
import type { Setback } from '../auth/try-until-known.ts'
import {
  type Explanation,
  OutageError,
  PermanentError,
  RefusalError,
  TransientError,
  UnknownOutcomeError,
  type WorkerError,
} from '../errors.ts'
import { parseRetryAfter } from '../time/retry-after.ts'
import { type HasuraError, parseHasuraErrors } from './hasura-error.ts'

/** An HTTP response whose body was read to its end. */
export interface HasuraResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: Buffer
  /** How long the bearer token of the request was, in bytes. */
  readonly tokenBytes?: number
  /** What is taken out of the answer's words. */
  readonly secrets?: readonly string[]
}

/** What a response means for the one who sent the request. */
export type Verdict<D = unknown> =
  | { readonly kind: 'data'; readonly data: D }
  /**
   * Its error is a PermanentError (its code is Hasura's), RefusalError (`claims`: the token is too large for what stands in front),
   * TransientError (worth another try), OutageError (it isn't Hasura that answers, so everybody waits), or for a mutation
   * UnknownOutcomeError (it may have been executed).
   */
  | Setback

/**
 * Decides what Hasura's answer means. Hasura answers most errors with HTTP 200, so `errors[].extensions.code` goes before
 * the status (Hasura docs, "API reference: GraphQL API: Error codes"; its codes are listed in `Hasura.Base.Error`).
 * No message holds a value out of a row or of the variables.
 *
 * @param now milliseconds since 1970, for a `Retry-After` that is a date
 */
export function interpretResponse(
  response: HasuraResponse,
  kind: 'query' | 'mutation',
  role: string,
  now: number = Date.now(),
): Verdict {
  const { status, headers, body, secrets } = response
  const rateLimited = (): Verdict => ({
    kind: 'rate-limited',
    retryAfterMs: parseRetryAfter(headers.get('retry-after'), now),
  })
  if (status === 429) return rateLimited()

  const json = parseJson(new TextDecoder().decode(body))
  const errors = parseHasuraErrors(json, secrets)
  if (errors.some(({ code }) => code === 'rate-limit-exceeded')) return rateLimited()
  const rejected = errors.find(({ code }) => code === 'invalid-jwt')
  if (rejected) return { kind: 'token-rejected', reason: rejected.safeMessage ?? 'invalid-jwt' }

  const permanent = errors.find(({ code }) => permanentCodes.has(code))
  if (permanent) return failed(new PermanentError(permanent.code, explainPermanent(permanent, role)))
  if (status === 401) return { kind: 'token-rejected', reason: 'HTTP 401' }
  if (status === 403) {
    return failed(
      new PermanentError('access-denied', {
        found: `The endpoint refused the request (HTTP 403) for role "${role}"`,
        remedy: 'check its permissions and what stands in front of Hasura',
      }),
    )
  }
  const [first] = errors
  if (first) {
    const told = { found: `Hasura, or what it called, failed with ${describe(first)}`, remedy: 'its log tells more' }
    return failed(kind === 'query' ? new TransientError(first.code, told) : unknownOutcome(told))
  }
  if (status >= 200 && status < 300) {
    const data = answer.safeParse(json)
    if (data.success) return { kind: 'data', data: data.data.data }
  }
  return failed(interpretForeign(response, json !== undefined, kind))
}

/** Never worth another try, and never executed or rolled back: the design's list of Hasura's codes. */
const permanentCodes: ReadonlySet<string> = new Set([
  'access-denied',
  'jwt-missing-role-claims',
  'jwt-invalid-claims',
  'invalid-headers',
  'validation-failed',
  'validation-error',
  'parse-failed',
  'permission-error',
  'constraint-violation',
  'constraint-error',
  'data-exception',
])

/** Statuses that say that the request did not get as far as being executed, so a mutation's outcome is known as well. */
const notExecuted: ReadonlySet<number> = new Set([400, 404, 405, 406, 415, 421])

/** Statuses that a single slow or odd query can cause, so they don't say that nobody is served. */
const oneRequestsFault: ReadonlySet<number> = new Set([408, 500, 504])

/** `data` beside errors is not a success: a part of it is missing. */
const answer = z.object({ data: z.record(z.string(), z.unknown()), errors: z.array(z.unknown()).max(0).nullish() })

function explainPermanent(error: HasuraError, role: string): Explanation {
  const found = `Hasura refused the operation as role "${role}": ${describe(error)}`
  if (error.isNotAllowed) {
    return {
      found,
      remedy: 'add what "schema operations" prints to the allow list of the API (Console → API → Allow List)',
    }
  }
  if (error.isFieldNotFound) return { found, remedy: `the schema changed, or role "${role}" may not see it` }
  return { found, remedy: remedies.get(error.code) }
}

const remedies: ReadonlyMap<string, string> = new Map([
  ['constraint-violation', 'a row broke a constraint of its table; the values are in the log of Hasura or Postgres'],
  ['constraint-error', 'the constraint that the operation names does not exist or does not fit'],
  ['data-exception', 'Postgres could not use a value; the value is in the log of Hasura or Postgres'],
  ['permission-error', 'a row did not pass the check of the permission for that role'],
  ['parse-failed', 'a value or the request could not be parsed'],
  ['access-denied', 'check that the role is among x-hasura-allowed-roles of the token'],
  ['jwt-missing-role-claims', "the token lacks Hasura's role claims; the doctor command tells which"],
  ['jwt-invalid-claims', "Hasura's claims in the token have the wrong shape; the doctor command tells which"],
])

/** `code at path (message)`, of which the message is only there when it can't hold a value. */
function describe({ code, path, safeMessage }: HasuraError): string {
  const at = path === undefined ? '' : ` at ${path}`
  return safeMessage === undefined ? `${code}${at}` : `${code}${at} (${safeMessage})`
}

/** Something that is no GraphQL answer: a proxy, an HTML page, a cut-off body, a wrong URL. */
function interpretForeign(response: HasuraResponse, isJson: boolean, kind: 'query' | 'mutation'): WorkerError {
  const { status, headers } = response
  const said = `HTTP ${status}`
  if (status === 413) {
    return new PermanentError('too-large', {
      found: `The endpoint refused the request as too large (${said})`,
      remedy: 'use smaller pages',
    })
  }
  if (status >= 300 && status < 400) {
    return new OutageError('redirect', 'account', {
      found: `The endpoint redirects (${said})`,
      remedy: 'set HASURA_URL to the final address',
    })
  }
  if (isHeaderTooLarge(response)) return tokenTooLarge(response)
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(headers.get('content-type') ?? '')?.[0] ?? 'no content type'
  const told = {
    found: `${said} with ${isJson ? 'JSON that is no GraphQL answer' : 'a body that is not JSON'} (${type})`,
    remedy: 'the endpoint may not be Hasura, or something in front of it answers; check HASURA_URL',
  }
  if (kind === 'mutation' && !notExecuted.has(status)) return unknownOutcome(told)
  if (oneRequestsFault.has(status)) return new TransientError(`http-${status}`, told)
  return new OutageError(`http-${status}`, 'account', told)
}

/** 431 is RFC 6585's, 494 nginx' own; nginx, Apache and IIS answer 400 and say it in the page. */
function isHeaderTooLarge({ status, body }: HasuraResponse): boolean {
  if (status === 431 || status === 494) return true
  return status === 400 && tooLargeWords.test(new TextDecoder().decode(body.subarray(0, 4_096)))
}

const tooLargeWords = /header[^<]{0,60}(?:too (?:large|long|big)|exceeds)|request too long/i

/** Nothing was executed, and the same token would be refused again. */
function tokenTooLarge({ status, tokenBytes }: HasuraResponse): RefusalError {
  const token = tokenBytes === undefined ? 'the token' : `the token of ${tokenBytes} bytes`
  return new RefusalError('claims', 'account', {
    found: `What stands in front of Hasura refused the request because its headers are too large (HTTP ${status}), of which ${token} is the largest`,
    remedy:
      'raise the limit there (nginx: large_client_header_buffers 4 64k), or make the token smaller: turn off Full scope allowed for the client in Keycloak, take roles and mappers away',
  })
}

function unknownOutcome({ found, remedy }: Explanation): UnknownOutcomeError {
  return new UnknownOutcomeError({ found: `The mutation may or may not have been executed. ${found}`, remedy })
}

function failed(error: WorkerError): Verdict {
  return { kind: 'error', error }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
