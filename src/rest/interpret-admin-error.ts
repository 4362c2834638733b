import { NetworkError } from '@keycloak/keycloak-admin-client'
import { OutageError, PermanentError, TransientError, type WorkerError } from '../errors.ts'
import { findAdminReason } from './admin-reason.ts'
import { type ApiRequest, isRepeatable } from './api-request.ts'
import { interpretAnswer, unknownOutcome } from './interpret-answer.ts'
import { interpretFailure } from './interpret-failure.ts'
import type { Tried } from './persist.ts'

/**
 * Translates an error of `@keycloak/keycloak-admin-client`. Its own errors contain the response and are never passed on, not even
 * as a cause.
 *
 * @param tokenBytes the length of the token that was sent
 * @param now milliseconds since the Unix epoch
 * @param quote makes Keycloak's reason for a refusal tellable; default: it isn't told, because it may contain data
 */
export function interpretAdminError(
  error: unknown,
  request: ApiRequest,
  tokenBytes: number,
  now: number,
  quote?: (words: string) => string,
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
  if (verdict.kind !== 'error' || !(verdict.error instanceof PermanentError)) return { headers, verdict }
  if (verdict.error.code === 'forbidden') return { headers, verdict: forbidden(request) }
  const reason = findAdminReason(error.responseData)
  if (!quote || reason === undefined) return { headers, verdict }
  const told = {
    found: `${request.name} was refused (HTTP ${status}: ${quote(reason)})`,
    remedy:
      "correct what Keycloak names in its console, such as another setting of the client or a client policy's demand",
  }
  return { headers, verdict: { kind: 'error', error: new PermanentError(verdict.error.code, told) } }
}

/** Whether Keycloak itself says that there is no such object: in JSON, or with nothing, unlike a proxy that knows no such path. */
export function isMissing(error: unknown): boolean {
  if (!(error instanceof NetworkError) || error.response.status !== 404) return false
  return typeof error.responseData !== 'string' || error.responseData === ''
}

/**
 * What a method has returned. Where there should be JSON the client also returns any other text, and octets where there should be a
 * key store: either may be the page of something in front of Keycloak.
 */
export function interpretContent(value: unknown, request: ApiRequest): Tried<unknown>['verdict'] {
  const text = value instanceof ArrayBuffer ? new TextDecoder().decode(value) : value
  const error = typeof text === 'string' ? findFault(text.trimStart(), request) : undefined
  if (error === undefined) return { kind: 'done', value }
  return { kind: 'error', error: isRepeatable(request) ? error : unknownOutcome(error) }
}

/**
 * A list that fails while Keycloak sends it, as when a user directory is down or a transaction times out, has status 200 and broken
 * JSON.
 */
function findFault(text: string, { name, address }: ApiRequest): WorkerError | undefined {
  if (/^[[{]/.test(text)) {
    return new TransientError('not-json', {
      found: `${name} was answered with JSON that is broken or was cut off`,
      remedy: "look in Keycloak's log for what failed while it sent this, or request smaller pages of a list",
    })
  }
  if (/^<(?:!doctype )?html/i.test(text)) {
    return new OutageError('not-json', 'job', {
      found: `${name} was answered with a web page`,
      remedy: `check ${address}`,
    })
  }
  return undefined
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
