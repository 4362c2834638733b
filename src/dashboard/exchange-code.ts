import { decodeJwt } from 'jose'
import { authorizationCodeGrant, ClientError, type Configuration } from 'openid-client'
import { z } from 'zod'
import type { DashboardLogin } from '../config/read-dashboard.ts'
import { TransientError, UsageError, WorkerError } from '../errors.ts'
import type { Explanation } from '../explanation.ts'
import { describeNetworkFailure } from '../failures/network-failure.ts'
import { readSafely } from '../failures/read-safely.ts'
import { ownValue } from '../names/own-value.ts'
import { nameCaller } from '../operations/bound-caller.ts'
import { isStorable } from '../words/storable.ts'
import type { Right, Viewer } from './viewer.ts'

/** What a login has to come back with. */
interface BegunLogin {
  readonly verifier: string
  readonly state: string
  readonly nonce: string
}

/**
 * The viewer for whom the issuer has sent a browser back.
 *
 * @param asked the address to which the browser was sent
 * @throws UsageError, TransientError
 */
export async function exchangeCode(
  configuration: Configuration,
  asked: URL,
  { verifier, state, nonce }: BegunLogin,
  login: DashboardLogin,
): Promise<Viewer> {
  let tokens: Awaited<ReturnType<typeof authorizationCodeGrant>>
  try {
    tokens = await authorizationCodeGrant(configuration, asked, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
  } catch (error) {
    throw refused(error, login.issuer)
  }
  const claims = claimsSchema.safeParse(tokens.claims()).data
  if (!claims)
    throw new UsageError({ found: 'The identity token has no subject', remedy: 'check the mappers of the client' })
  // Its signature needn't be checked: it came from the issuer itself over TLS (OpenID Connect Core 1.0, section 3.1.3.7).
  const accessClaims = readSafely(() => decodeJwt(tokens.access_token))
  const roles = new Set([tokens.claims(), accessClaims].flatMap(each => rolesIn(each, login.clientId)))
  const name =
    [claims.name, claims.preferred_username, claims.sub].find(each => each !== undefined && isStorable(each)) ?? ''
  const caller = nameCaller({ client: login.clientId, subject: claims.sub })
  return { name: name.slice(0, 200), caller, rights: rightsOf(roles, login.roles) }
}

const text = z.string().optional().catch(undefined)
const claimsSchema = z.object({ sub: z.string().min(1).max(255), name: text, preferred_username: text })
const listSchema = z.object({ roles: z.array(z.string()) }).catch({ roles: [] })
const rolesSchema = z.object({ realm_access: listSchema, resource_access: z.record(z.string(), listSchema).catch({}) })

/** Keycloak writes roles into the access token, and into the identity token if its mappers say so. */
function rolesIn(claims: unknown, clientId: string): readonly string[] {
  const read = rolesSchema.safeParse(claims).data
  if (!read) return []
  return [...read.realm_access.roles, ...(ownValue(read.resource_access, clientId)?.roles ?? [])]
}

/** Operators may view; the data role alone allows nothing. */
export function rightsOf(roles: ReadonlySet<string>, names: DashboardLogin['roles']): Right[] {
  const has = (right: Right) => names[right] !== undefined && roles.has(names[right])
  const operates = has('operate')
  return [
    ...(operates || has('view') ? (['view'] as const) : []),
    ...(operates ? (['operate'] as const) : []),
    ...(has('data') ? (['data'] as const) : []),
  ]
}

const oauthError = z.object({ error: z.string().regex(/^[a-z_]{1,60}$/) })

/** Quotes nothing from the address or the issuer but the error's code. */
function refused(error: unknown, issuer: string): WorkerError {
  if (error instanceof WorkerError) return error
  const code = oauthError.safeParse(error).data?.error
  if (code === 'invalid_client' || code === 'unauthorized_client') {
    return new TransientError('dashboard-login', {
      found: `${issuer} refuses the dashboard's client (${code})`,
      remedy: 'check DASHBOARD_CLIENT_ID and the file of DASHBOARD_CLIENT_SECRET_FILE',
    })
  }
  const explanation = code === undefined && error instanceof ClientError ? explainFault(error, issuer) : undefined
  if (explanation) return new TransientError('dashboard-login', explanation, { cause: error })
  return new UsageError({
    found: code === undefined ? 'The login did not complete' : `The identity provider refused the login (${code})`,
    remedy: 'log in again',
  })
}

const noTokens = ['OAUTH_RESPONSE_IS_NOT_CONFORM', 'OAUTH_RESPONSE_IS_NOT_JSON', 'OAUTH_PARSE_ERROR']

/** What another login meets again. */
function explainFault({ code, cause }: ClientError, issuer: string): Explanation | undefined {
  if (code === 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED') {
    return {
      found: `By this worker's clock, the identity token of ${issuer} has expired or is not valid yet`,
      remedy: "correct the clock of the worker's machine, or of the issuer's, then log in again",
    }
  }
  if (code !== undefined && noTokens.includes(code)) {
    return {
      found: `The token endpoint of ${issuer} answered without tokens`,
      remedy: 'check that it runs, and what is in front of it, then log in again',
    }
  }
  // What our own exchange threw has none of openid-client's codes.
  if (code !== undefined && code !== 'OAUTH_TIMEOUT') return undefined
  const { words, remedy = 'check that it runs, then log in again' } = describeNetworkFailure(cause)
  return { found: `The token endpoint of ${issuer} can't be reached: ${words}`, remedy }
}
