import type { HttpCallers } from '../config/config.ts'
import type { Explanation } from '../explanation.ts'
import { listNames } from '../names/list-names.ts'
import { type ApiRole, apiRoles } from '../operations/operation.ts'
import { type Clock, systemClock } from '../time/clock.ts'
import { type AccessToken, type Caller, TokenRefusedError, verifyAccessToken } from './access-token.ts'
import { createIssuerKeys, KeysAwayError } from './issuer-keys.ts'

/** Whether a caller may use something, and which further roles it has. */
export type Authorization =
  | { readonly allowed: true; readonly caller: Caller; readonly roles: readonly ApiRole[] }
  | Refusal

/** `status`, `found` and `remedy` are for the caller. */
export interface Refusal extends Explanation {
  readonly allowed: false
  readonly status: 400 | 401 | 403 | 503
  /** For a caller that could authenticate with a token: RFC 6750, section 3. */
  readonly challenge?: string
  readonly retryAfterSeconds?: number
  /** The caller named by a token with the issuer's signature; undefined without one. */
  readonly caller?: Caller | undefined
  /** For the log only. */
  readonly cause?: unknown
}

/** @param roles one of which is required, or `operate`; default `request` */
export type Authorize = (authorizationHeader: string | undefined, roles?: readonly ApiRole[]) => Promise<Authorization>

export const off: Authorize = async () => ({
  allowed: false,
  status: 403,
  found: 'Requests over HTTP are off',
  remedy: 'set HTTP_ISSUER, HTTP_AUDIENCE and HTTP_ROLE to allow them',
})

const scheme = 'Bearer realm="hasura-sync-worker"'

/** Verifies a bearer token with the issuer's keys, and checks the roles of the realm and of the audience. */
export function createAuthorize(callers: HttpCallers, clock: Pick<Clock, 'now' | 'elapsed'> = systemClock): Authorize {
  const { issuer } = callers
  const findKey = createIssuerKeys(callers, clock)
  return async (header, needed = ['request']) => {
    const credentials = /^Bearer(?: +(.*))?$/i.exec(header ?? '')
    // A caller without credentials learns how to authenticate, and gets no error code.
    if (!credentials) return missingToken
    const token = credentials[1]?.trim() ?? ''
    if (!/^[\w.~+/-]+=*$/.test(token)) return malformedToken
    try {
      return judge(await verifyAccessToken(token, findKey, callers, clock.now()), callers, needed)
    } catch (error) {
      if (error instanceof TokenRefusedError) return invalidToken(error)
      if (error instanceof KeysAwayError) return keysAway(issuer, error)
      throw error
    }
  }
}

function judge({ caller, roles }: AccessToken, callers: HttpCallers, needed: readonly ApiRole[]): Authorization {
  const names = { request: callers.role, view: callers.viewRole, operate: callers.operateRole }
  const own = apiRoles.filter(role => names[role] !== undefined && roles.includes(names[role]))
  if (own.includes('operate')) return { allowed: true, caller, roles: apiRoles }
  if (needed.some(role => own.includes(role))) return { allowed: true, caller, roles: own }
  const wanted = [...needed, 'operate' as const].map(role => names[role]).find(name => name !== undefined)
  return {
    allowed: false,
    status: 403,
    ...(wanted === undefined
      ? { found: 'Nobody may use this over HTTP', remedy: 'set HTTP_VIEW_ROLE or HTTP_OPERATE_ROLE to allow it' }
      : {
          found: `Role "${wanted}" is not in the token (it holds ${listNames(roles)})`,
          remedy:
            roles.length > 0
              ? 'assign it to the caller, and get a new token'
              : 'assign it to the caller, and in Keycloak give its client the client scope "roles", which writes roles into tokens; then get a new token',
        }),
    challenge: `${scheme}, error="insufficient_scope"`,
    caller,
  }
}

const missingToken: Refusal = {
  allowed: false,
  status: 401,
  found: 'There is no bearer token in the Authorization header',
  remedy: 'send "Bearer", a space and an access token of HTTP_ISSUER',
  challenge: scheme,
}

const malformedToken: Refusal = {
  allowed: false,
  status: 400,
  found: 'The Authorization header is not "Bearer", a space and one token',
  challenge: `${scheme}, error="invalid_request"`,
}

/** A request with several `Authorization` headers, of which proxies and Node may use different ones (RFC 6750, section 3.1). */
export const severalCredentials: Refusal = {
  allowed: false,
  status: 400,
  found: 'There is more than one Authorization header',
  remedy: 'send one',
  challenge: `${scheme}, error="invalid_request"`,
}

function invalidToken({ found, remedy, caller }: TokenRefusedError): Refusal {
  return { allowed: false, status: 401, found, remedy, challenge: `${scheme}, error="invalid_token"`, caller }
}

function keysAway(issuer: string, { retryAfterSeconds, cause }: KeysAwayError): Refusal {
  return {
    allowed: false,
    status: 503,
    found: `The keys of ${issuer} can't be fetched, so tokens with an unknown key can't be verified now`,
    remedy: 'try again later',
    retryAfterSeconds,
    cause,
  }
}
