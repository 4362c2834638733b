import { OutageError, PermanentError, TransientError, UnknownOutcomeError, type WorkerError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { describeRedirect, describeType, refusedOnTheWay } from '../failures/http-status.ts'
import { isHeaderTooLarge, mayBeHeaderTooLarge, tokenTooLarge } from '../failures/proxy-page.ts'
import type { HasuraResponse } from './hasura-response.ts'

/** Interprets what isn't a GraphQL response: from a proxy, an HTML page, a cut-off body, a wrong URL. */
export function interpretForeign(response: HasuraResponse, isJson: boolean, kind: 'query' | 'mutation'): WorkerError {
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
      found: `The endpoint ${describeRedirect(response)}`,
      remedy: 'set HASURA_URL to the final address, and check whether a login page is in front of Hasura',
    })
  }
  // The path is always the same, and Hasura sends no pages.
  if (isHeaderTooLarge(response) || mayBeHeaderTooLarge(response)) {
    return tokenTooLarge('A proxy in front of Hasura refused the request', response)
  }
  const onTheWay = refusedOnTheWay.get(status)
  if (onTheWay !== undefined) {
    const found = `The request was refused on its way to Hasura (${said})`
    return new OutageError(`http-${status}`, 'account', { found, remedy: onTheWay })
  }
  const type = describeType(headers)
  if (status >= 200 && status < 300 && !isJson && /[/+]json$/i.test(type)) return explainCutOff(said, kind)
  const told = {
    found: `${said} with ${isJson ? 'JSON that is not a GraphQL response' : 'a body that is not JSON'} (${type})`,
    remedy:
      status >= 502
        ? 'check that Hasura runs, and the proxies in front of it; if it does, check HASURA_URL'
        : 'check HASURA_URL, because another server or a proxy in front of Hasura answers',
  }
  if (kind === 'mutation' && !notExecuted.has(status)) return unknownOutcome(told)
  if (oneRequestsFault.has(status)) return new TransientError(`http-${status}`, told)
  return new OutageError(`http-${status}`, 'account', told)
}

/** Of a proxy that speaks HTTP/1.0 to Hasura nobody can tell whether it has passed on everything. */
function explainCutOff(said: string, kind: 'query' | 'mutation'): WorkerError {
  const told = {
    found: `${said} with JSON that is broken or was cut off`,
    remedy:
      'look for what cuts it off: a proxy in front of Hasura (nginx: set proxy_http_version 1.1, and look for its buffers and disk), or restarts of Hasura',
  }
  return kind === 'query' ? new TransientError('cut-off', told) : unknownOutcome(told)
}

/** Statuses of a request that wasn't executed, so that a mutation's outcome is known as well. */
const notExecuted: ReadonlySet<number> = new Set([400, 404, 405, 406, 411, 414, 415, 417, 426, 428, 451])

/** Statuses that a single slow or odd query can cause, so they don't indicate an outage. */
const oneRequestsFault: ReadonlySet<number> = new Set([408, 500, 504])

export function unknownOutcome({ found, remedy }: Explanation): UnknownOutcomeError {
  return new UnknownOutcomeError({ found: `The mutation may or may not have been executed. ${found}`, remedy })
}
