import { NetworkError } from '@keycloak/keycloak-admin-client'
import { PermanentError } from '../errors.ts'
import type { ApiRequest } from './api-request.ts'
import { interpretAnswer } from './interpret-answer.ts'
import { interpretFailure } from './interpret-failure.ts'
import type { Tried } from './persist.ts'

/**
 * Translates an error of `@keycloak/keycloak-admin-client`. Its own errors contain the response and are never passed on, not even
 * as a cause.
 *
 * @param now milliseconds since the Unix epoch
 */
export function interpretAdminError(error: unknown, request: ApiRequest, now: number): Tried<never> {
  if (!(error instanceof NetworkError)) {
    // Only the cause says why fetch failed.
    const limit = error instanceof TypeError && error.cause instanceof PermanentError ? error.cause : error
    return { verdict: { kind: 'error', error: interpretFailure(limit, request) } }
  }
  const { status, headers } = error.response
  const verdict = interpretAnswer({ status, headers }, request, now)
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
