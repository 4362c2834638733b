import { z } from 'zod'
import { tokenRejected } from '../auth/token-rejected.ts'
import type { Setback } from '../auth/try-until-known.ts'
import { OutageError, PermanentError, RefusalError, TransientError, type WorkerError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { describeRejection } from '../failures/http-status.ts'
import { decodeJson } from '../json/decode-json.ts'
import { parseWithLargeAsText } from '../json/exact-numbers.ts'
import { findJson } from '../json/parse-json.ts'
import { asksForPause, parseRetryAfter } from '../time/retry-after.ts'
import { describeError, explainPermanent } from './explain-permanent.ts'
import { parseHasuraErrors } from './hasura-error.ts'
import type { HasuraResponse } from './hasura-response.ts'
import { interpretForeign, unknownOutcome } from './interpret-foreign.ts'

/** What a response means for the sender. In `data`, integers beyond 2^53 are text, because JavaScript would round them. */
export type Verdict<D = unknown> =
  | { readonly kind: 'data'; readonly data: D }
  /**
   * Its error is a PermanentError (its code is Hasura's; `operation-refused`: the operation doesn't fit the role's schema, or the allow
   * list lacks it; `handler-refused`: `access-denied` in the words of an action's handler), RefusalError (`claims`: the token lacks a
   * session variable, has an unreadable one, or is too large for what stands in front),
   * TransientError (worth another try), OutageError (it isn't Hasura that answers, so everybody waits), or for a mutation
   * UnknownOutcomeError (it may have been executed).
   */
  | Setback

/**
 * Interprets Hasura's response. Hasura answers most errors with HTTP 200, so `errors[].extensions.code` takes precedence over the status
 * (Hasura docs, "API reference: GraphQL API: Error codes"; the codes are listed in `Hasura.Base.Error`). No message holds a value of a row
 * or of the variables.
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
    retryAfterMs: parseRetryAfter(headers, now),
  })
  if (status === 429) return rateLimited()

  const json = findJson(decodeJson(body, headers.get('content-type')) ?? '', parseWithLargeAsText)
  const errors = parseHasuraErrors(json, secrets)
  // What refuses a whole request is its only error. For a mutation it must be in Hasura's own words: an action or a remote schema may
  // answer with the same code after other fields were executed.
  const refusal = errors.length === 1 ? errors[0] : undefined
  if (refusal?.code === 'rate-limit-exceeded' && (kind === 'query' || refusal.isRateLimited)) return rateLimited()
  if (refusal?.isTokenRejected || (refusal?.code === 'invalid-jwt' && kind === 'query')) {
    return tokenRejected(refusal.safeMessage ?? 'invalid-jwt')
  }
  if (refusal?.unreadRemedy !== undefined) {
    const found = `Hasura read no token: ${describeError(refusal)}`
    return failed(new OutageError(refusal.code, 'account', { found, remedy: refusal.unreadRemedy }))
  }

  if (errors.some(({ isOfOtherRoute }) => isOfOtherRoute)) {
    return failed(
      new OutageError('not-found', 'account', {
        found: `Hasura has no GraphQL API at the path of HASURA_URL (HTTP ${status})`,
        remedy: 'end HASURA_URL with /v1/graphql',
      }),
    )
  }
  const missing = errors.find(({ missingVariables }) => missingVariables !== undefined)?.missingVariables
  if (missing) {
    const told = lacksVariables(missing.names, role)
    return failed(kind === 'query' || missing.isBeforeAll ? asksForClaims(told) : unknownOutcome(told))
  }
  const unreadable = errors.find(({ unreadableVariable }) => unreadableVariable !== undefined)?.unreadableVariable
  if (unreadable !== undefined) {
    const told = cannotRead(unreadable, role)
    return failed(kind === 'query' ? asksForClaims(told) : unknownOutcome(told))
  }
  const permanent = errors.find(
    ({ code, isOfHandler, isFieldNotFound }) =>
      (permanentCodes.has(code) && !isOfHandler) || (kind === 'query' && (isFieldNotFound || refusedQueries.has(code))),
  )
  if (permanent) return failed(explainPermanent(permanent, role))
  if (status === 401) return tokenRejected(describeRejection(response, secrets))
  if (errors.length === 0 && asksForPause(response)) return rateLimited()
  if (status === 403) {
    return failed(
      new PermanentError(
        'access-denied',
        errors.length > 0
          ? {
              found: `The endpoint refused the request (HTTP 403) for role "${role}"`,
              remedy: "check the role's permissions and the proxies in front of Hasura",
            }
          : {
              found: 'A firewall or proxy in front of Hasura refused the request (HTTP 403)',
              remedy:
                'find the rule in its log, such as SizeRestrictions_BODY or SQLi_BODY of AWS WAF, and let GraphQL requests pass it',
            },
      ),
    )
  }
  const [first] = errors
  if (first) {
    const told = {
      found: `Hasura, or what it called, failed with ${describeError(first)}`,
      remedy: first.isOfHandler
        ? "let the action's handler answer each error as a JSON object with message, because Hasura could not read its answer"
        : "see Hasura's log for details",
    }
    return failed(kind === 'query' ? new TransientError(first.code, told) : unknownOutcome(told))
  }
  if (status >= 200 && status < 300) {
    const data = answer.safeParse(json)
    if (data.success) return { kind: 'data', data: data.data.data }
  }
  return failed(interpretForeign(response, json !== undefined, kind))
}

/** Another job's role may need no such variable, so only this job waits. */
function asksForClaims(told: Explanation): RefusalError {
  return new RefusalError('claims', 'job', told)
}

function lacksVariables(names: string, role: string): Explanation {
  return {
    found: `Hasura found no ${names} in the token, which a permission of role "${role}" needs`,
    remedy:
      'add a mapper that writes it as a session variable (Client scopes → hasura → Mappers); if the token has it, name it in claims_map of HASURA_GRAPHQL_JWT_SECRET; or change the permission',
  }
}

function cannotRead(variable: string, role: string): Explanation {
  return {
    found: `Hasura could not read ${variable}, which a permission of role "${role}" uses`,
    remedy: 'correct the mapper that writes it (Client scopes → hasura → Mappers), or the permission',
  }
}

/**
 * Codes of Hasura that no retry fixes; the operation wasn't executed or was rolled back, except for what actions and remote schemas
 * did before.
 */
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
  'depth-limit-exceeded',
  'node-limit-exceeded',
])

/** Codes that no retry of a query fixes. For a mutation, an action's handler may have answered so after it was called. */
const refusedQueries: ReadonlySet<string> = new Set(['not-supported', 'bad-request', 'coercion-error'])

/** `data` with errors is not a success: a part of it is missing. */
const answer = z.object({ data: z.record(z.string(), z.unknown()), errors: z.array(z.unknown()).max(0).nullish() })

function failed(error: WorkerError): Verdict {
  return { kind: 'error', error }
}
