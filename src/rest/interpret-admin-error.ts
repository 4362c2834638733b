import { NetworkError } from '@keycloak/keycloak-admin-client'
import { PermanentError } from '../errors.ts'
import type { ApiRequest } from './api-request.ts'
import { interpretAnswer } from './interpret-answer.ts'
import { interpretFailure } from './interpret-failure.ts'
import type { Tried } from './persist.ts'

/**
 * What it means that a method of `@keycloak/keycloak-admin-client` threw. Its own errors hold the answer and are never passed
 * on, not even as a cause.
 *
 * @param now milliseconds since 1970
 */
export function interpretAdminError(error: unknown, request: ApiRequest, now: number): Tried<never> {
  if (!(error instanceof NetworkError)) {
    // fetch tells why it failed by the cause alone.
    const limit = error instanceof TypeError && error.cause instanceof PermanentError ? error.cause : error
    return { verdict: { kind: 'error', error: interpretFailure(limit, request) } }
  }
  const { status, headers } = error.response
  const verdict = interpretAnswer({ status, headers }, request, now)
  if (verdict.kind === 'done') {
    // The client takes a 304 for a failure, and nothing here asks for one.
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
