import { NetworkError } from '@keycloak/keycloak-admin-client'
import { OutageError, PermanentError, TransientError } from '../errors.ts'
import type { ApiRequest } from './api-request.ts'
import { interpretAnswer } from './interpret-answer.ts'
import { interpretFailure } from './interpret-failure.ts'
import type { Tried } from './persist.ts'

/**
 * Translates an error of `@keycloak/keycloak-admin-client`. Its own errors contain the response and are never passed on, not even
 * as a cause.
 *
 * @param tokenBytes the length of the token that was sent
 * @param now milliseconds since the Unix epoch
 */
export function interpretAdminError(
  error: unknown,
  request: ApiRequest,
  tokenBytes: number,
  now: number,
): Tried<never> {
  if (!(error instanceof NetworkError)) {
    // Only the cause says why fetch failed.
    const limit = error instanceof TypeError && error.cause instanceof PermanentError ? error.cause : error
    return { verdict: { kind: 'error', error: interpretFailure(limit, request) } }
  }
  const { status, headers } = error.response
  // The client parses JSON; what it leaves as text is something else.
  const body = typeof error.responseData === 'string' ? Buffer.from(error.responseData) : undefined
  const verdict = interpretAnswer({ status, headers, body, tokenBytes }, request, now)
  if (verdict.kind === 'done') {
    // The client treats a 304 as an error, and no request here is conditional.
    const unexpected = new PermanentError(`http-${status}`, `${request.name} was answered with HTTP ${status}`)
    return { headers, verdict: { kind: 'error', error: unexpected } }
  }
  return {
    headers,
    verdict: verdict.kind === 'error' && verdict.error.code === 'forbidden' ? forbidden(request) : verdict,
  }
}

/** Whether Keycloak itself says that there is no such object: in JSON, or with nothing, unlike a proxy that knows no such path. */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof NetworkError) || error.response.status !== 404) return false
  return typeof error.responseData !== 'string' || error.responseData === ''
}

/**
 * What a method that reads has returned. A list that fails while Keycloak sends it, as when a user directory is down or a transaction
 * times out, has status 200 and broken JSON, which the client returns as text.
 */
export function interpretRead(value: unknown, request: ApiRequest): Tried<unknown>['verdict'] {
  if (typeof value !== 'string') return { kind: 'done', value }
  const text = value.trimStart()
  if (/^[[{]/.test(text)) {
    const error = new TransientError('not-json', {
      found: `${request.name} was answered with JSON that is broken or was cut off`,
      remedy: "look in Keycloak's log for what failed while it sent the list, or request smaller pages",
    })
    return { kind: 'error', error }
  }
  if (/^<(?:!doctype )?html/i.test(text)) {
    const error = new OutageError('not-json', 'job', {
      found: `${request.name} was answered with a web page`,
      remedy: `check ${request.address}`,
    })
    return { kind: 'error', error }
  }
  return { kind: 'done', value }
}

function forbidden(request: ApiRequest): Tried<never>['verdict'] {
  return {
    kind: 'error',
    error: new PermanentError('forbidden', {
      found: `${request.name} was refused (HTTP 403)`,
      remedy:
        'assign the role of client "realm-management" that it needs, such as view-users, to the service account (Clients → the client → Service account roles)',
    }),
  }
}
