import type { CustomFetch } from 'openid-client'
import { z } from 'zod'
import { isError, OutageError, PermanentError, WorkerError } from '../errors.ts'
import { describeRedirect, describeType, refusedOnTheWay } from '../failures/http-status.ts'
import { describeNetworkFailure } from '../failures/network-failure.ts'
import { decodeJson } from '../json/decode-json.ts'
import { findJson } from '../json/parse-json.ts'
import type { Answer, Exchange } from '../outgoing/exchange.ts'
import { showUrl } from '../outgoing/secure-address.ts'
import type { Clock } from '../time/clock.ts'
import { asksForPause, parseRetryAfter } from '../time/retry-after.ts'
import type { ServerTime } from '../time/server-time.ts'
import { findAddressMeaning } from './keycloak-words.ts'
import { parseExpiresIn } from './token-lifetime.ts'

/**
 * Creates the `fetch` that openid-client uses for one request to the identity provider. It honours the caller's signal, which
 * openid-client's grants don't, reads the body within the timeout, and throws a `WorkerError` for anything that isn't a response of an
 * OAuth server. It returns only a 200 or a refusal (400) with a JSON object, reduced to what we use.
 */
export function createLoginFetch(deps: {
  exchange: Exchange
  clock: Clock
  timeoutMs: number
  signal: AbortSignal
  serverTime: ServerTime
}): CustomFetch {
  return async (address, { method, headers, body }) => {
    const url = new URL(address)
    const { signal, timeoutMs } = deps
    let answer: Answer
    try {
      answer = await deps.exchange(url, { method, headers, body: body ?? null }, { signal, timeoutMs, ...answerLimit })
    } catch (error) {
      signal.throwIfAborted()
      throw explainFailure(error, url)
    }
    deps.serverTime.observe(answer.headers)
    const json = interpretAnswer(answer, { url, method }, deps.clock.now())
    if (isError(json)) throw json
    return new Response(JSON.stringify(json), {
      status: method === 'POST' && isRefusal(json) ? 400 : 200,
      headers: { 'content-type': 'application/json' },
    })
  }
}

/** Twenty times the response with the longest tokens that an API accepts. */
const answerLimit = {
  maxBytes: 2 ** 20,
  ifTooLarge:
    'check OIDC_ISSUER or TOKEN_URL; if the tokens are that large, turn off Full scope allowed for the client',
}

function explainFailure(error: unknown, url: URL): WorkerError {
  // The address or the server may be fixed, so the account waits.
  if (error instanceof PermanentError) return new OutageError('token-endpoint', 'account', error)
  if (error instanceof WorkerError) return error
  const { words, remedy } = describeNetworkFailure(error)
  const check = 'check that the identity provider runs and that OIDC_ISSUER or TOKEN_URL is correct'
  return unusable(url, words, remedy ?? check)
}

/** The JSON object of a response with status 200 or a refusal, or why there is none. */
function interpretAnswer(
  { status, headers, body }: Answer,
  { url, method }: { readonly url: URL; readonly method: string },
  now: number,
): Record<string, unknown> | WorkerError {
  if (asksForPause({ status, headers })) {
    const pauseMs = parseRetryAfter(headers, now)
    // Every request of the account would call the endpoint again, so all of them wait.
    return new OutageError(
      'token-endpoint',
      'account',
      {
        found: `The identity provider asks for a pause of ${pauseMs / 1_000} s at ${showUrl(url)}`,
        remedy: 'if that recurs, look for a limit of requests at the identity provider, or at a proxy in front of it',
      },
      { retryAfterMs: pauseMs },
    )
  }
  if (status >= 300 && status < 400) {
    return unusable(
      url,
      `it ${describeRedirect({ status, headers })}`,
      'set OIDC_ISSUER or TOKEN_URL to the final address',
    )
  }
  if (status >= 500 || status === 408) {
    return unusable(url, `HTTP ${status}`, 'check the identity provider and the proxies in front of it')
  }
  const onTheWay = refusedOnTheWay.get(status)
  if (onTheWay !== undefined) return unusable(url, `HTTP ${status}`, onTheWay)
  const json = parseObject(decodeJson(body, headers.get('content-type')) ?? '')
  if (!json) {
    const type = describeType(headers)
    return unusable(url, `HTTP ${status} with something that is not JSON (${type})`, remedyOfForeign(status))
  }
  if (status < 200 || status >= 300) {
    const meaning = findAddressMeaning(`${json.error}: ${json.error_description}`)
    if (meaning) return unusable(url, `HTTP ${status} (${meaning.said})`, meaning.remedy)
    if (method === 'GET') {
      return unusable(url, `HTTP ${status} for the discovery document`, 'check OIDC_ISSUER and that this realm exists')
    }
    if (typeof json.error !== 'string' || status === 404 || status === 405) {
      return unusable(url, `HTTP ${status} without an OAuth error`, 'check OIDC_ISSUER or TOKEN_URL')
    }
  }
  return method === 'POST' ? reduce(json) : json
}

function remedyOfForeign(status: number): string {
  if (status === 403)
    return 'make firewalls and proxies in front of the identity provider let this worker through; if there are none, check OIDC_ISSUER or TOKEN_URL'
  return 'check OIDC_ISSUER or TOKEN_URL, because another server answers there or the response was cut off'
}

/** Some servers answer a refusal with 200, or a token with 201; what is in the body counts. */
function isRefusal(json: Record<string, unknown>): boolean {
  return typeof json.error === 'string' && typeof json.access_token !== 'string'
}

/**
 * Drops or completes harmless parts on which openid-client would fail: optional ones that are null or of another type, and a missing
 * type of token, which only is Bearer for this worker.
 */
function reduce(json: Record<string, unknown>): Record<string, unknown> {
  // The unused ID token would be checked against the issuer, which is unknown with TOKEN_URL.
  const { id_token, expires_in, refresh_token, scope, error_description, ...used } = json
  return {
    ...used,
    token_type: used.token_type ?? 'Bearer',
    expires_in: parseExpiresIn(expires_in),
    refresh_token: findText(refresh_token),
    scope: Array.isArray(scope) ? scope.join(' ') : findText(scope, 0),
    error_description: findText(error_description),
  }
}

function findText(value: unknown, shortest = 1): string | undefined {
  return typeof value === 'string' && value.length >= shortest ? value : undefined
}

function parseObject(text: string): Record<string, unknown> | undefined {
  return z.record(z.string(), z.unknown()).safeParse(findJson(text)).data
}

function unusable(url: URL, what: string, remedy: string): OutageError {
  return new OutageError('token-endpoint', 'account', {
    found: `No usable response from ${showUrl(url)}, ${what}`,
    remedy,
  })
}
